"""The fast adaptive boundary: steps onto the linearised boundary, drawn towards the clean image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded


@dataclass(frozen=True)
class Fab:
    """The settings of the search; Croce & Hein, ICML 2020."""

    geometry: Geometry
    steps: int
    restarts: int
    overshoot: float
    largest_bias: float
    backward: float
    within: float | Tensor | None  # one distance, or one for each image

    def at(self, rows: Tensor) -> Fab:
        """Return the settings of the images ``rows``."""
        if not isinstance(self.within, Tensor):
            return self
        return replace(self, within=self.within[rows])

    def step(self, x: Tensor, z: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        """Return the next points: ``z`` and ``x`` go to the plane where the value is 0, and mix."""
        onto_plane, size = self.geometry.onto_plane, self.geometry.size
        ahead = onto_plane(z, gradient, -value)
        aside = onto_plane(x, gradient, (gradient * (z - x)).sum((1, 2, 3)) - value)
        length, from_clean = (size(d).clamp_min(1e-8) for d in (ahead, aside))
        bias = expanded((length / (length + from_clean)).clamp_max(self.largest_bias), x)
        moved = (1 - bias) * (z + self.overshoot * ahead) + bias * (x + self.overshoot * aside)
        return moved.clamp_(0.0, 1.0)


def check_fab(arguments: Mapping[str, Any]) -> None:
    """Raise UsageError for settings that no search can have."""
    for name in ("steps", "restarts", "targets"):
        if arguments.get(name, 1) < 1:
            raise UsageError(f"fab: {name} must be at least 1, not {arguments[name]}")
    if not 1 <= arguments["overshoot"] < float("inf"):
        raise UsageError(f"fab: overshoot must be 1 or more, not {arguments['overshoot']}")
    for name in ("largest_bias", "backward"):
        if not 0 <= arguments[name] <= 1:
            raise UsageError(f"fab: {name} must be between 0 and 1, not {arguments[name]}")
    if not arguments.get("within", 1.0) >= 0:
        raise UsageError(f"fab: within must be a distance or none, not {arguments['within']}")
