"""Several attacks in turn, each on the images that those before it left standing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.spec import Spec
from roadworthy.stress._attacks.in_turn import in_turn
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Play, budgeted
from roadworthy.stress.watch import Found


def _check(arguments: Mapping[str, Any]) -> None:
    for member in arguments["members"]:
        budgeted(member, arguments, outer="cascade")


@attack(check=_check, composed=True, paper="Croce & Hein, ICML 2020")
def cascade(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    members: tuple[Spec, ...],
    *,
    play: Play,
) -> Found:
    """Run ``members`` in the order given: ``cascade(apgd, fab_targeted, square, eps=8/255)``.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    Each member gets only the images that none before it has broken, stops at success where it can,
    and takes ``eps`` and ``norm`` from the cascade. An image survives if no member breaks it, so that
    robust accuracy is that of the worst case; ``broken_by`` names the member that broke it. Attacks
    for the smallest change break an image if what they find lies in the ball. Croce & Hein, ICML
    2020.
    """
    del model, x, goal, ball  # they are what `play` works on
    return in_turn(members, play)
