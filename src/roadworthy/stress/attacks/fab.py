"""Fast adaptive boundary: the smallest change, towards whichever class is nearest at each step."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.boundaries import Linearised, clean_goal, nearest_boundary
from roadworthy.stress._attacks.fab import Fab, check_fab
from roadworthy.stress._attacks.fab_search import search
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

MOST_CLASSES = 100


@minimal_attack(
    Need.GRADIENT,
    norms=("Linf", "L2", "L1"),
    check=check_fab,
    most_classes=MOST_CLASSES,
    paper="Croce & Hein, ICML 2020",
)
def fab(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 100,
    restarts: int = 1,
    overshoot: float = 1.05,
    largest_bias: float = 0.1,
    backward: float = 0.9,
    within: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Step onto the nearest linearised boundary, drawn towards the clean image.

    Like `fab_targeted`, with the class chosen anew at every step: the one whose boundary is nearest.
    That takes a backward pass for every class but the label, so that it runs on models of at most 100
    classes. ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest
    adversarial image seen. ``within`` is a distance, in units of [0, 1], that is near enough.
    Under a target its boundary is the only one. Croce & Hein, ICML 2020.
    """
    settings = Fab(geometry, steps, restarts, overshoot, largest_bias, backward, within)
    goal = clean_goal(model, x, goal)
    assert goal.clean is not None
    count = goal.clean.shape[1]

    def linearise(model: Counted, z: Tensor, aim: Goal) -> Linearised:
        every = torch.arange(count, device=z.device).expand(len(z), -1)
        others = every[every != aim.labels[:, None]].view(len(z), -1)
        return nearest_boundary(model, z, aim, geometry, others)

    return search(settings, model, x, goal, linearise, rng=rng)
