"""APGD towards several targets in turn: one after the other in effect, side by side where it pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.apgd import ascend
from roadworthy.stress._attacks.apgd_plan import Plan
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import NEVER, Found, Stop, Watch

TOGETHER = 64
"""Images times targets in one batch, where fewer images are left: more run no faster, each."""


def ascend_in_turn(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    targets: int,
    plan: Plan,
    stop: Stop,
    rng: BatchDraws,
) -> Found:
    """Run APGD towards one target after the other until ``goal`` is reached.

    Several targets of the same images may share a batch. What an image gets does not depend on
    that: the first target in order that succeeds wins, and its starts are drawn in this order.
    """
    aims = _aims(goal, targets)
    tried = _Tried.begin(x)
    while aims:
        rows = (tried.step_success == NEVER).nonzero().squeeze(1)
        if not len(rows):
            break
        now = max(1, TOGETHER // len(rows))
        part = model.at(rows, images=len(x)), x[rows], goal.at(rows), ball.at(rows)
        heats = _side_by_side(
            *part, [a.at(rows) for a in aims[:now]], plan=plan, stop=stop, rng=rng.at(rows)
        )
        tried, aims = tried.then(rows, heats), aims[now:]
    return Found(tried.x, tried.steps_used, tried.step_success)


def _aims(goal: Goal, targets: int) -> list[Goal]:
    if goal.targets is not None:
        return [goal]
    classes = targets + 1 if goal.clean is None else goal.clean.shape[1]
    return [goal.towards(goal.ranked(rank)) for rank in range(1, min(targets + 1, classes))]


@dataclass(frozen=True)
class _Tried:
    """What became of every image, by the targets up to now; ``loss`` (N,) belongs to ``x``."""

    x: Tensor
    loss: Tensor
    steps_used: Tensor
    step_success: Tensor

    @classmethod
    def begin(cls, x: Tensor) -> _Tried:
        """Return what there is before the first target."""
        none = torch.zeros(len(x), dtype=torch.long, device=x.device)
        loss = torch.full_like(none, float("-inf"), dtype=x.dtype)
        return cls(x.clone(), loss, none, torch.full_like(none, NEVER))

    def then(self, rows: Tensor, heats: _Tried) -> _Tried:
        """Return what there is after ``heats`` (K * N', target by target) of the N' images ``rows``.

        The first heat that succeeds counts, and the steps of those before it; where none does, the
        one of the highest loss.
        """
        success, used = heats.step_success.view(-1, len(rows)), heats.steps_used.view(-1, len(rows))
        won = success != NEVER
        broken = won.any(0)
        loss = heats.loss.view(-1, len(rows))
        first = torch.where(broken, won.int().argmax(0), loss.argmax(0))
        pick = first * len(rows) + torch.arange(len(rows), device=rows.device)
        total = used.cumsum(0) + self.steps_used[rows]
        at_end = torch.where(broken, total.flatten()[pick], total[-1])
        at_success = at_end - used.flatten()[pick] + success.flatten()[pick]
        better = broken | (heats.loss[pick] > self.loss[rows])
        changed = rows[better]
        return _Tried(
            self.x.index_copy(0, changed, heats.x[pick[better]]),
            self.loss.index_copy(0, changed, heats.loss[pick[better]]),
            self.steps_used.index_copy(0, rows, at_end),
            self.step_success.index_copy(0, rows, torch.where(broken, at_success, NEVER)),
        )


def _side_by_side(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    aims: Sequence[Goal],
    *,
    plan: Plan,
    stop: Stop,
    rng: BatchDraws,
) -> _Tried:
    """Run one ascent for each of ``aims`` and image, all in one batch, target by target."""
    times = len(aims)
    start = torch.cat([plan.start(x, ball, rng) for _ in aims])
    every = torch.arange(len(x), device=x.device).repeat(times)
    several = model.at(every, images=len(x)), x[every], goal.at(every), ball.at(every)
    watch = _Rivals(*several, stop=stop, images=len(x))
    together = Goal(
        goal.labels.repeat(times), torch.cat([a.targets for a in aims if a.targets is not None])
    )
    answer, best = ascend(watch, together, start, plan)
    rows = watch.rows
    found = watch.finish(answer, plan.steps)
    assert found.steps_used is not None
    assert found.step_success is not None
    loss = torch.full((len(every),), float("-inf"), dtype=best.dtype, device=x.device)
    return _Tried(found.x, loss.index_copy(0, rows, best), found.steps_used, found.step_success)


class _Rivals(Watch):
    """A watch over the same images several times: once one succeeds, those behind it leave."""

    def __init__(
        self, model: Counted, x: Tensor, goal: Goal, ball: Ball, *, stop: Stop, images: int
    ) -> None:
        super().__init__(model, x, goal, ball, stop=stop)
        self.images = images
        self.first = torch.full((images,), len(x), device=x.device)

    def see(self, logits: Tensor, z: Tensor, step: int | Tensor) -> Tensor | None:
        """As a watch does; images of which an earlier copy has reached the goal go no further."""
        going = super().see(logits, z, step)
        won = self.rows[self.goal.reached(logits)]
        if not len(won):
            return going
        self.first.scatter_reduce_(0, won % self.images, won, "amin")
        ahead = self.rows <= self.first[self.rows % self.images]
        return ahead if going is None else going & ahead
