"""Attacks one after the other, each on the images that all before it have left standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.spec import Spec
from roadworthy.stress._attacks.diagnose import diagnose
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.play import Play
from roadworthy.stress.watch import NEVER, Found
from roadworthy.types import Need

SLACK = 1e-6
"""What rounding may add to a distance that counts as inside the budget, in parts of it and at all."""


@dataclass
class Standing:
    """What is known of every image of the batch while one attack follows the other."""

    x: Tensor
    best: Tensor  # the largest margin reached so far
    broken_by: list[str | None]
    steps_used: Tensor = field(init=False)
    step_success: Tensor = field(init=False)
    nan_gradient: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.steps_used = torch.zeros(len(self.x), dtype=torch.long, device=self.x.device)
        self.step_success = torch.full_like(self.steps_used, NEVER)
        self.nan_gradient = torch.zeros_like(self.steps_used, dtype=torch.bool)

    @property
    def rows(self) -> Tensor:
        """Positions of the images that no attack has broken."""
        left = [index for index, name in enumerate(self.broken_by) if name is None]
        return torch.tensor(left, dtype=torch.long, device=self.x.device)

    def take(self, rows: Tensor, name: str, found: Found, logits: Tensor, goal: Goal) -> None:
        """Note what the attack ``name`` found for the images ``rows``."""
        first = self.steps_used[rows] + found.first_step
        if found.steps_used is not None:
            self.steps_used[rows] += found.steps_used
        if found.nan_gradient is not None:
            self.nan_gradient[rows] |= found.nan_gradient
        # Of an image that stands the input that comes nearest is kept.
        reached, nearness = goal.reached(logits), margin(logits, goal)
        better = reached | (nearness > self.best[rows])
        self.x[rows[better]] = found.x[better]
        self.best[rows[better]] = nearness[better]
        for index in rows[reached].tolist():
            self.broken_by[index] = name
        self.step_success[rows[reached]] = first[reached]

    @property
    def found(self) -> Found:
        """What all of them found."""
        return Found(
            self.x,
            self.steps_used,
            self.step_success,
            broken_by=tuple(self.broken_by),
            nan_gradient=self.nan_gradient,
        )


def in_turn(members: Sequence[Spec], play: Play, *, targets: int | None = None) -> Found:
    """Run ``members`` in turn, each on the images still standing, and judge what each returns.

    Members stop at success where they can. What an attack for the smallest change finds counts if
    it lies in the ball. ``broken_by`` are the members' specs; steps add up over the members. Before
    gradients are used, the model is looked at for signs that they mislead: these are the flags.
    ``targets`` is how many classes a member wants to go to. Where no gradient gets through at all
    only members without gradients run.
    """
    x, ball = play.work.x, play.work.ball
    standing = Standing(x.clone(), torch.full_like(x[:, 0, 0, 0], -torch.inf), [None] * len(x))
    flags: tuple[str, ...] = ()
    by_gradient = [m for m in members if Need.GRADIENT in play.bound(m).needs]
    if by_gradient:
        # Counted apart: which images it asks about depends on the batch, what an attack costs must not.
        looked_at = replace(play.work, model=Counted(play.work.model.model))
        flags = diagnose(looked_at, rng=play.rng(by_gradient[0]), targets=targets)
    for member in members:
        rows = standing.rows
        if not len(rows):
            break
        if "disconnected" in flags and member in by_gradient:
            continue
        work, definition = play.work.at(rows), play.bound(member).definition
        eps = ball.eps[rows]
        ends = {"within": eps, "stop": eps} if definition.minimal else {"stop": "success"}
        found = play(member, rows, **ends)
        candidate = found.x
        if definition.minimal:  # others have been brought into the ball already
            found = replace(found, step_success=None)  # it may have been outside of the ball
            legal = work.ball.size(candidate - work.x) <= work.ball.eps * (1 + SLACK) + SLACK
            candidate = torch.where(legal.view(-1, 1, 1, 1), candidate, work.x)
            candidate = work.ball.project(work.x, candidate)
        logits = work.logits(candidate)
        standing.take(rows, str(member), replace(found, x=candidate), logits, work.goal)
    return replace(standing.found, flags=flags)
