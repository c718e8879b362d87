"""Smallest budget at which an attack of fixed budget succeeds, image by image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.spec import Spec
from roadworthy.stress import STRESSES
from roadworthy.stress._attacks.estimate import passes_of
from roadworthy.stress._attacks.smallest import Smallest
from roadworthy.stress._norms import Geometry
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import NORMS
from roadworthy.stress.play import Play, budgeted
from roadworthy.stress.watch import Found

EXAMPLE = "eps_search(pgd(eps=2/255, relative_step=10))"


def _admit(arguments: Mapping[str, Any]) -> None:
    for member in arguments["members"]:
        if STRESSES.get(member.name).minimal:
            raise UsageError(
                f"eps_search: '{member}' has no eps, it looks for the smallest change itself"
            )


def _check(arguments: Mapping[str, Any]) -> None:
    members = arguments["members"]
    if len(members) != 1:
        raise UsageError(f"eps_search: give one attack, not {len(members)}: {EXAMPLE}")
    one = budgeted(members[0], arguments, outer="eps_search")
    if one.settings[0].arguments["eps"] <= 0:
        raise UsageError("eps_search: the search begins at the attack's eps, which must not be 0")
    if arguments.get("attempts") is not None and (arguments["attempts"] < 1 or arguments["scan"]):
        raise UsageError("eps_search: attempts must be 1 or larger, and there is none with scan")
    for name in ("doublings", "bisections", "scan"):
        if arguments[name] < 0:
            raise UsageError(f"eps_search: {name} must be 0 or larger, not {arguments[name]}")


def _passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    member = budgeted(arguments["members"][0], arguments, outer="eps_search")
    attempts = arguments.get("attempts")
    times = (
        attempts
        or len(_factors(arguments["doublings"], arguments["scan"])) + (arguments["bisections"])
    )
    forwards, backwards = passes_of(member)
    return times * (forwards + 1), times * backwards


@minimal_attack(
    norms=NORMS,
    check=_check,
    admits=_admit,
    passes=_passes,
    composed=True,
    paper="Liu et al., IJCV 2024",
)
def eps_search(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    members: tuple[Spec, ...],
    *,
    doublings: int = 5,
    bisections: int = 10,
    scan: int = 0,
    attempts: int | None = None,
    play: Play,
) -> Found:
    """Search each image's smallest ``eps`` at which the attack ``members`` reaches the goal.

    ``x`` is a float batch (N, C, H, W) in [0, 1]. The search begins at the attack's own eps and
    doubles it up to ``doublings`` times until it succeeds; ``bisections`` halvings between the last
    failure (0 at first) and the last success follow. ``scan`` tries eps, 2 eps, ... scan * eps in
    turn instead of doubling, for attacks such as fgsm that a larger budget may weaken. ``attempts``
    is how often the attack runs in all, doublings and halvings together. The smallest change that reached
    the goal is returned; an image that none reached stays as it is. Give the attack a
    ``relative_step``: an absolute one stays the same at every eps. What the attack draws is the
    same at every eps. Liu et al., "A comprehensive study on robustness of image classification
    models", IJCV 2024; the scan is that of Dong et al., CVPR 2020, a number of attempts that of Su
    et al., ECCV 2018.
    """
    del model  # `play` runs the attack on it
    member = members[0]
    first = float(play.bound(member).settings[0].arguments["eps"])
    if attempts is not None:
        doublings = bisections = attempts - 1
    factors = _factors(doublings, scan)
    turns = attempts or len(factors) + bisections
    failed, succeeded = torch.zeros(2, len(x), dtype=torch.float64, device=x.device)
    succeeded += torch.inf
    left = torch.full((len(x),), bisections, device=x.device)
    smallest = Smallest(x, geometry)
    for turn in range(turns):
        bracketed = succeeded.isfinite()
        rows = torch.where(bracketed, left > 0, turn < len(factors)).nonzero().squeeze(1)
        if not len(rows):
            break
        between = (failed + succeeded)[rows] / 2
        eps = torch.where(bracketed[rows], between, first * factors[min(turn, len(factors) - 1)])
        ball = Ball(geometry.name, eps.to(x.dtype))
        found = play(member, rows, ball=ball, stop="success")
        reached = goal.at(rows).reached(play.work.at(rows).logits(found.x))
        smallest.take(rows, found, reached)
        left[rows] -= bracketed[rows].to(left)
        succeeded[rows[reached]] = eps[reached]
        failed[rows[~reached]] = eps[~reached]
    return smallest.found


def _factors(doublings: int, scan: int) -> tuple[int, ...]:
    return tuple(range(1, scan + 1)) if scan else tuple(2**k for k in range(doublings + 1))
