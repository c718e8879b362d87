"""AutoAttack: four attacks without parameters to tune, in turn, as a standard of robustness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.expectation import Expectation, averaged
from roadworthy.spec import Spec, parse
from roadworthy.stress._attacks.in_turn import in_turn
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Play
from roadworthy.stress.watch import Found
from roadworthy.types import Need

Version = Literal["standard", "plus", "rand"]

STANDARD = ("apgd", "apgd_targeted", "fab_targeted", "square")
MEMBERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("standard", "Linf"): STANDARD,
    ("standard", "L2"): STANDARD,
    ("standard", "L1"): (
        "apgd(restarts=5)",
        "apgd_targeted(targets=5)",
        "fab_targeted",
        "square",
    ),
}
"""Members by version and norm; what is not said of them is their default, which is the standard."""

PLUS = (
    "apgd(restarts=5)",
    "apgd(loss=dlr, restarts=5)",
    "fab(restarts=5)",
    "square",
    "apgd_targeted",
    "fab_targeted",
)
RAND = ("apgd", "apgd(loss=dlr)")
TARGETS = 9
DRAWS = 20
"""Gradients that the version for randomised models averages."""


def members_of(version: Version, norm: str) -> tuple[Spec, ...]:
    """Return the attacks of a version in their order."""
    texts = {"plus": PLUS, "rand": RAND}.get(version) or MEMBERS[version, norm]
    return tuple(map(parse, texts))


def _parts(arguments: Mapping[str, Any]) -> tuple[Spec, ...]:
    return members_of(arguments["version"], arguments["norm"])


@attack(
    Need.GRADIENT,
    norms=("Linf", "L2", "L1"),
    parts=_parts,
    paper="Croce & Hein, ICML 2020",
)
def autoattack(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    version: Version = "standard",
    play: Play,
) -> Found:
    """Run the attacks of AutoAttack in turn, each on the images still standing.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    ``version=standard`` is APGD on the cross-entropy, targeted APGD on the DLR loss and targeted FAB
    with nine targets each, 100 iterations, and Square with 5000 queries; ``plus`` adds untargeted
    ones and restarts; ``rand``, for randomised models, is APGD on both losses with gradients averaged
    over 20 passes. Other than in the published code every image has its own random draws, so that no
    result depends on the batch. Flags warn of models on which the result is no measure of
    robustness. Croce & Hein, ICML 2020; under L1 Croce & Hein, ICML 2021.
    """
    norm = ball.norm
    if version == "rand":
        judge = _averaging(play.work.judge or model)
        play = replace(play, work=replace(play.work, model=_averaging(model), judge=judge))
    del model, x, goal, ball  # they are what `play` works on
    return in_turn(members_of(version, norm), play, targets=TARGETS)


def _averaging(model: Counted) -> Counted:
    """Return a view of ``model`` that averages draws, unless it does already."""
    if isinstance(model.model, Expectation):
        return model
    return replace(model, model=averaged(model.model, DRAWS))
