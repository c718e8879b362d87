"""Masks: what a model sees where pixels are removed; one file each, found by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from roadworthy.binding import bind, canonical, resolved_digest
from roadworthy.errors import UsageError
from roadworthy.registry import Registry
from roadworthy.seed import rng_for
from roadworthy.spec import Spec, parse
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.masks.base import MaskContext, MaskDefinition, Shown

if TYPE_CHECKING:
    from torch import Tensor

    from roadworthy.types import Classifier

MASKS: Registry[MaskDefinition] = Registry(
    "mask", MaskDefinition, ("roadworthy.stress.masks",), "roadworthy.masks", ("masks",)
)


@dataclass(frozen=True)
class Mask:
    """A mask with its parameters settled; ``digest`` covers all of them, defaults included."""

    definition: MaskDefinition
    spec: Spec
    digest: str
    arguments: Mapping[str, Any]

    def shown(
        self,
        model: Classifier,
        x: Tensor,
        context: MaskContext,
        *,
        samples: Sequence[str],
        seed: int = 0,
    ) -> Shown:
        """Return the batch ``x`` (N, C, H, W) in [0, 1] as ``model`` sees parts of it.

        ``samples`` are the names of the images, by which they draw.
        """
        from roadworthy.stress.masks._covered import Covered

        definition, given = self.definition, dict(self.arguments)
        if "context" in definition.takes:
            given["context"] = context
        if "rng" in definition.takes:
            given["rng"] = self._draws(samples, seed)
        if definition.drops:
            shown: Shown = definition.function(model, x, **given)
            return shown
        if "kept" in definition.takes:
            return Covered(model, x, None, _Filling(self, context, tuple(samples), seed))
        return Covered(model, x, _checked(self, definition.function(x, **given), x))

    def _draws(self, samples: Sequence[str], seed: int) -> BatchDraws:
        name, version = f"mask/{self.definition.name}", self.definition.version
        return BatchDraws(
            [FastDraws(rng_for(seed, name, version, s, str(self.spec))) for s in samples]
        )


@dataclass(frozen=True)
class _Filling:
    """A mask that depends on what is kept, on some images; every asking draws from the beginning."""

    mask: Mask
    context: MaskContext
    samples: tuple[str, ...]
    seed: int

    def __call__(self, x: Tensor, kept: Tensor) -> Tensor:
        given = dict(self.mask.arguments)
        takes = self.mask.definition.takes
        if "context" in takes:
            given["context"] = self.context
        if "rng" in takes:
            given["rng"] = self.mask._draws(self.samples, self.seed)
        return _checked(self.mask, self.mask.definition.function(x, kept=kept, **given), x)

    def at(self, rows: Tensor) -> _Filling:
        """Return the same of the images ``rows``, indices."""
        samples = tuple(self.samples[i] for i in rows.tolist())
        return _Filling(self.mask, self.context.at(rows), samples, self.seed)


def _checked(mask: Mask, made: Tensor, x: Tensor) -> Tensor:
    if made.shape != x.shape or made.dtype != x.dtype:
        raise ValueError(
            f"mask '{mask.spec}' gave {made.dtype} {tuple(made.shape)}, expected {x.dtype} "
            f"{tuple(x.shape)} like its input"
        )
    return made


def resolved(specs: tuple[Spec, ...]) -> tuple[Mask, ...]:
    """Return the masks that ``specs`` name, each once, in their order.

    Raises UsageError for unknown names and parameters and for wrong values.
    """
    return tuple({mask.digest: mask for mask in map(one, specs)}.values())


@lru_cache(maxsize=256)
def one(spec: Spec) -> Mask:
    """Return the mask that ``spec`` names; raises UsageError as `resolved` does."""
    if spec.path is not None:
        raise UsageError(f"'{spec}': a mask takes no path; write '{spec.name}(...)'")
    definition = MASKS.get(spec.name)
    kind = f"mask '{spec.name}'"
    values = bind(spec, definition.parameters, kind=kind)
    if definition.check is not None:
        definition.check(values)
    text = str(canonical(spec, definition.parameters, kind=kind))
    digest = resolved_digest(definition.name, definition.version, values)
    return Mask(definition, parse(text), digest, values)


MaskSpec = Annotated[Spec, one]
"""The parameter of a stress that names a mask: ``mask=mean``."""

MaskSpecs = Annotated[tuple[Spec, ...], resolved]
"""The parameter of a stress that names several: ``baselines=(mean, zero)``."""
