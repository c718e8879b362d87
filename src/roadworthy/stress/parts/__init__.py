"""Parts that gradient attacks are composed of: one file each, found by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from roadworthy.binding import bind, canonical, resolved_digest
from roadworthy.errors import UsageError
from roadworthy.registry import Registry
from roadworthy.spec import Spec, parse
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.parts.base import PartDefinition

PARTS: Registry[PartDefinition] = Registry(
    "part", PartDefinition, ("roadworthy.stress.parts",), "roadworthy.parts", ("parts",)
)


@dataclass(frozen=True)
class Part:
    """A part with its parameters settled; ``digest`` covers all of them, defaults included."""

    definition: PartDefinition
    spec: Spec
    digest: str
    arguments: Mapping[str, Any]

    @property
    def times(self) -> int:
        """How many gradients it asks for."""
        asked = self.definition.times
        return 1 if asked is None else asked(self.arguments)

    def __call__(self, *given: Any, rng: BatchDraws) -> Any:
        """Call the function of the part."""
        drawn = {"rng": rng} if self.definition.takes_draws else {}
        return self.definition.function(*given, **self.arguments, **drawn)


@lru_cache(maxsize=256)
def resolved(specs: tuple[Spec, ...]) -> tuple[Part, ...]:
    """Return the parts that ``specs`` name, in the order in which they act.

    Raises UsageError for unknown names and parameters, for wrong values, and for a part given twice.
    """
    found: dict[str, Part] = {}
    for spec in specs:
        if spec.name in found:
            raise UsageError(f"the part '{spec.name}' is given twice; each acts once")
        found[spec.name] = _one(spec)
    key = {name: (part.definition.place, part.definition.order) for name, part in found.items()}
    return tuple(found[name] for name in sorted(found, key=lambda name: (key[name], name)))


Parts = Annotated[tuple[Spec, ...], resolved]
"""The parameter of an attack that names its parts: ``parts=(scale(copies=5), nesterov)``."""


def check_parts(arguments: Mapping[str, Any], *, outer: str) -> None:
    """Refuse parts of the attack ``outer`` that mean nothing under its norm, and idle restarts."""
    parts, norm = resolved(arguments["parts"]), arguments["norm"]
    for part in parts:
        norms: tuple[Norm, ...] = part.definition.norms
        if norm not in norms:
            raise UsageError(
                f"{outer}: '{part.spec}' is defined under {', '.join(norms)}, not under {norm}"
            )
    if arguments.get("restarts", 1) > 1 and not any(p.definition.takes_draws for p in parts):
        raise UsageError(
            f"{outer}: restarts={arguments['restarts']} would find the same again: nothing is drawn; "
            "give a part that draws, such as parts=(diverse)"
        )


def _one(spec: Spec) -> Part:
    if spec.path is not None:
        raise UsageError(f"'{spec}': a part takes no path; write '{spec.name}(...)'")
    definition = PARTS.get(spec.name)
    kind = f"part '{spec.name}'"
    values = bind(spec, definition.parameters, kind=kind)
    if definition.check is not None:
        definition.check(values)
    text = str(canonical(spec, definition.parameters, kind=kind))
    digest = resolved_digest(definition.name, definition.version, values)
    return Part(definition, parse(text), digest, values)
