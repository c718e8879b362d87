"""Fast adaptive boundary towards some classes: the smallest change that FAB-T finds."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.boundaries import clean_goal
from roadworthy.stress._attacks.fab import Fab, check_fab
from roadworthy.stress._attacks.fab_search import search
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import Found
from roadworthy.types import Need


@minimal_attack(
    Need.GRADIENT,
    norms=("Linf", "L2", "L1"),
    check=check_fab,
    passes=lambda given: (
        2 * given["targets"] * given["restarts"] * given["steps"],
        given["targets"] * given["restarts"] * given["steps"],
    ),
    paper="Croce & Hein, ICML 2020",
)
def fab_targeted(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    targets: int = 9,
    steps: int = 100,
    restarts: int = 1,
    overshoot: float = 1.05,
    largest_bias: float = 0.1,
    backward: float = 0.9,
    within: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Step onto the linearised boundary with each of the ``targets`` most likely other classes.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest adversarial
    image seen, in the norm asked for. A step goes ``overshoot`` times as far as the boundary and is
    drawn towards the clean image by at most ``largest_bias``; from a point that is adversarial already
    it goes back to the fraction ``backward`` of its change. ``within`` is a distance, in units of
    [0, 1], that is near enough: images changed by no more are finished. Restarts begin at random
    points at half the best distance. Under a target it is the only class. Croce & Hein, ICML 2020.
    """
    goal = clean_goal(model, x, goal)
    fab = Fab(geometry, steps, restarts, overshoot, largest_bias, backward, within)

    def lead(logits: Tensor, aim: Goal) -> Tensor:
        """How far the target is above the label, or where it has to be reached above all others."""
        assert aim.targets is not None
        if goal.targets is not None:
            return margin(logits, aim)
        pair = torch.stack([aim.targets, aim.labels], dim=1)
        ahead, behind = logits.gather(1, pair).unbind(1)
        return ahead - behind

    def linearise(model: Counted, z: Tensor, aim: Goal) -> tuple[Tensor, Tensor, Tensor]:
        return value_and_gradient(model, lead, z, aim)

    return search(fab, model, x, goal, linearise, targets=_classes(goal, targets), rng=rng)


def _classes(goal: Goal, count: int) -> Tensor:
    """Return the classes to go to, (ways, N): the most likely that are not the label, at most all."""
    if goal.targets is not None:
        return goal.targets[None]
    assert goal.clean is not None
    others = goal.clean.shape[1] - 1
    return torch.stack([goal.ranked(rank) for rank in range(1, min(count, others) + 1)])
