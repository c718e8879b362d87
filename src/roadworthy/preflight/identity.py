"""What was found out about a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.pipeline.base import Pipeline
from roadworthy.preflight.base import Stats
from roadworthy.preflight.component import Component
from roadworthy.preflight.layout import Layout

PARTS = (
    "layout",
    "normalisation",
    "colour",
    "size",
    "geometry",
    "resize",
    "decoder",
    "orient",
    "profile",
    "cmyk",
    "depth",
    "alpha",
    "files",
)
"""The parts of a pipeline, in the order in which they are reported."""


@dataclass(frozen=True)
class Identity:
    """A pipeline by its parts; ``pipeline`` is one of our own that does the same.

    Stages whose part is unknown have their default in ``pipeline``. ``mean`` and ``std``, per output
    channel and in units of [0, 1], are None where they are unknown or left to the model. ``faults``
    are names and sentences of what no pipeline should do; ``layout`` is the form of the answers.
    """

    spec: str
    takes: str
    components: tuple[Component, ...]
    pipeline: Pipeline
    mean: Stats | None = None
    std: Stats | None = None
    faults: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    library: str = ""
    layout: Layout | None = None
    seconds: float = 0.0

    def __getitem__(self, part: str) -> Component:
        """Return the component of this part."""
        return next(c for c in self.components if c.part == part)

    @property
    def unknown(self) -> tuple[Component, ...]:
        """The parts that could not be named."""
        return tuple(c for c in self.components if not c.known)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "spec": self.spec,
            "takes": self.takes,
            "pipeline": str(self.pipeline),
            "mean": self.mean,
            "std": self.std,
            "components": {
                c.part: {
                    "name": c.name,
                    "known": c.known,
                    "evidence": c.evidence,
                    "same": list(c.same),
                }
                for c in self.components
            },
            "faults": dict(self.faults),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def ordered(components: Sequence[Component]) -> tuple[Component, ...]:
    """Return components in the order in which they are reported."""
    return tuple(sorted(components, key=lambda c: PARTS.index(c.part)))
