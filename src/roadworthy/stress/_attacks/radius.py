"""How the radius of a ball grows and shrinks: by fractions, or in a norm that counts, by ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Radius = Callable[[Tensor, float], Tensor]
"""Takes radii (N,) and a fraction, returns other radii."""


def _same(radius: Tensor) -> Tensor:
    return radius


@dataclass(frozen=True)
class RadiusRule:
    """One norm's rule: how radii shrink and grow, what rounds them, and the length of a first step.

    ``step`` is a Euclidean length, whatever the norm.
    """

    step: float = 1.0
    shrunk: Radius = lambda radius, fraction: radius * (1.0 - fraction)
    grown: Radius = lambda radius, fraction: radius * (1.0 + fraction)
    whole: Callable[[Tensor], Tensor] = _same


_COUNTED = RadiusRule(
    shrunk=lambda radius, fraction: torch.minimum(radius - 1, (radius * (1 - fraction)).floor()),
    grown=lambda radius, fraction: torch.maximum(radius + 1, (radius * (1 + fraction)).floor()),
    whole=torch.ceil,
)

RADII = {
    "Linf": RadiusRule(),
    "L2": RadiusRule(),
    "L1": RadiusRule(),
    "L0": _COUNTED,
}
"""The rule of each norm; Pintor et al., NeurIPS 2021."""
