"""The search of Square: proposals are judged some at a time, the first that is better is taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.queries import Clock
from roadworthy.stress._attacks.square_pace import Pace
from roadworthy.stress._attacks.square_stock import Proposals, Stock
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES
from roadworthy.stress.watch import Found, Watch
from roadworthy.types import Need


@dataclass(frozen=True)
class Points:
    """A point for each image, with the model's answer, the loss to raise and if it is the goal."""

    x: Tensor
    logits: Tensor
    value: Tensor
    there: Tensor

    def better_than(self, best: Points) -> Tensor:
        """Return which of these are to replace the best, whose goal once reached is not left again."""
        higher = self.value > best.value
        return torch.where(best.there, higher & self.there, higher | self.there)

    def take(self, rows: Tensor, other: Points, first: Tensor) -> None:
        """Replace the images ``rows`` by the ``first`` of the ``other`` points, in place."""
        for mine, new in zip(self._fields(), other._fields(), strict=True):
            mine[rows] = new[first, rows]

    def kept(self, watch: Watch, going: Tensor | None, asked: Tensor) -> tuple[Points, Tensor]:
        """Return the points of the images that go on and their ``asked``; the watch leaves the rest."""
        *fields, asked = watch.keep(going, *self._fields(), asked)
        return Points(*fields), asked

    def _fields(self) -> tuple[Tensor, ...]:
        return self.x, self.logits, self.value, self.there


def judged(model: Counted, z: Tensor, goal: Goal) -> Points:
    """Ask about points (m * n, C, H, W) of n images, returned as (m, n, ...).

    Without targets the loss is the margin.
    """
    ahead = len(z) // len(goal.labels)
    logits = model.logits(z)
    goal = goal.repeated(ahead)
    loss = LOSSES["margin" if goal.targets is None else "cross_entropy"]
    value = loss(logits, goal).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    answers = z, logits, value, goal.reached(logits)
    return Points(*(t.unflatten(0, (ahead, -1)) for t in answers))


def search(
    watch: Watch, proposals: Proposals, start: Tensor, stock: Stock, queries: int, clock: Clock
) -> Found:
    """Go on from ``start`` until every image left to the watch has been asked about ``queries`` times.

    What is found is what one proposal at a time would find, however many are tried in one call, unless
    the ``clock`` ends it before. A model that only answers, as a service does that counts, is never
    asked ahead: what it is asked is what the search needs.
    """
    first = judged(watch.model, start, watch.goal)
    best = Points(*(t[0] for t in first._fields()))
    asked, most = torch.ones_like(watch.rows), 1  # `most` is at least the largest of them
    best, asked = best.kept(watch, watch.see(best.logits, best.x, asked), asked)
    pace, free = Pace(start), Need.GRADIENT in watch.model.gives
    while len(watch) and not clock.over:
        if most >= queries:
            best, asked = best.kept(watch, watch.end(asked >= queries, best.x, queries), asked)
            if not len(watch):
                break
            most = int(asked.max())
        assert watch.ball is not None
        ahead = min(pace.ahead(len(watch)), queries - most) if free else 1
        squares = stock.take(watch.rows, asked - 1, ahead, furthest=most - 1)
        radius = watch.ball.eps.to(best.x).view(-1, 1, 1, 1)
        z = judged(watch.model, proposals.propose(watch.x, radius, best.x, squares), watch.goal)
        better = z.better_than(best)
        taken = better.any(0)
        chosen = better.to(torch.uint8).argmax(0)  # the first that is better
        asked = asked + torch.where(taken, chosen + 1, ahead)
        most += ahead
        rows = taken.nonzero().squeeze(1)
        wasted = 0
        if len(rows):
            chosen = chosen[rows]
            wasted = int((ahead - 1 - chosen).sum())
            best.take(rows, z, chosen)
            best, asked = best.kept(watch, watch.see(best.logits, best.x, asked), asked)
        pace.saw(len(rows), ahead * len(taken) - wasted)
    return watch.finish(best.x, asked)
