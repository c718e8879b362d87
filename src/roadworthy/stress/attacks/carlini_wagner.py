"""Carlini and Wagner: distance plus a weighted hinge on the margin, minimised by Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._attacks.tanh_space import Descent, to_tanh_space
from roadworthy.stress._attacks.tradeoff import Tradeoff, check_search
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need


def _passes(given: Mapping[str, Any]) -> tuple[int, int]:
    steps = given["steps"] * given["search_steps"]
    return steps + 1, steps


@minimal_attack(
    Need.GRADIENT,
    norms=("L2",),
    check=check_search("carlini_wagner"),
    passes=_passes,
    version=2,
    paper="Carlini & Wagner, IEEE S&P 2017",
)
def carlini_wagner(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 200,
    search_steps: int = 9,
    learning_rate: float = 0.01,
    initial_c: float = 1e-3,
    confidence: float = 0.0,
    warm_start: bool = False,
) -> Found:
    """Minimise the squared distance plus c times what the margin lacks, and search for the best c.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest adversarial
    image seen. Each of ``search_steps`` times Adam takes up to ``steps`` steps in tanh space, where
    there is no box; an image whose loss no longer falls ends early. c begins at ``initial_c``, is
    multiplied by ten until it is enough and bisected from then on, for each image. ``confidence`` is
    the margin asked for, in logits. ``warm_start`` goes on from where the last search step ended
    rather than from ``x``. Carlini & Wagner, IEEE S&P 2017.
    """
    nearest, tradeoff = Nearest(x, goal, geometry), Tradeoff(x, initial_c)
    with torch.no_grad():
        done = nearest.see(model.logits(x), x, 0)
    rows = (~done).nonzero().squeeze(1)
    start = to_tanh_space(x)
    descent = Descent(model, goal, nearest, steps, learning_rate, confidence)
    w = start
    for _ in range(search_steps if len(rows) else 0):
        reached, w = descent(rows, w if warm_start else start, tradeoff.weight)
        tradeoff.adjust(reached)
    return nearest.found()
