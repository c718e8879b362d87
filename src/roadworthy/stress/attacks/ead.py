"""Elastic-net attack: squared distance, sum of changes and margin, minimised by shrinking steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._attacks.shrinking import Shrinking
from roadworthy.stress._attacks.tradeoff import Tradeoff, check_search
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.l1 import L1
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need


@dataclass(frozen=True)
class Elastic(L1):
    """The distance that is minimised: ``share`` of the sum of changes plus that of their squares."""

    share: float = 1e-2

    def size(self, difference: Tensor) -> Tensor:
        """Return the elastic-net distance of each sample, (N,)."""
        return self.share * super().size(difference) + difference.flatten(1).square().sum(1)


def _passes(given: Mapping[str, Any]) -> tuple[int, int]:
    steps = given["steps"] * given["search_steps"]
    return 2 * steps + 1, steps


@minimal_attack(
    Need.GRADIENT,
    norms=("L1",),
    check=check_search("ead"),
    passes=_passes,
    paper="Chen et al., AAAI 2018",
)
def ead(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 100,
    search_steps: int = 9,
    learning_rate: float = 0.01,
    initial_c: float = 1e-3,
    shrinkage: float = 1e-2,
    decision: Literal["l1", "elastic"] = "l1",
    confidence: float = 0.0,
) -> Found:
    """Minimise c times what the margin lacks plus an elastic-net distance; search for the best c.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest adversarial
    image seen. The distance is ``shrinkage`` times the sum of changes plus that of their squares; each
    of ``search_steps`` searches takes up to ``steps`` gradient steps that shrink every change, and c is
    bisected per image from ``initial_c``. ``decision`` says what nearest means: ``l1``, or ``elastic``
    for that distance. ``confidence`` asks for a margin between the logits. Chen et al., AAAI 2018.
    """
    measure = geometry if decision == "l1" else Elastic(share=shrinkage)
    nearest, tradeoff = Nearest(x, goal, measure), Tradeoff(x, initial_c)
    with torch.no_grad():
        done = nearest.see(model.logits(x), x, 0)
    rows = (~done).nonzero().squeeze(1)
    descend = Shrinking(model, goal, nearest, steps, learning_rate, shrinkage, confidence)
    for _ in range(search_steps if len(rows) else 0):
        tradeoff.adjust(descend(rows, tradeoff.weight))
    return nearest.found()
