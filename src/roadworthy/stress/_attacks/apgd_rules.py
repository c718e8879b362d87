"""What APGD does under each norm: where it begins, when it looks back, and its first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._attacks.apgd_steps import Halving, Pace, Sparse, changed, share_of
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.draws import BatchDraws

Start = Callable[[Tensor, Ball, BatchDraws], Tensor]


@dataclass(frozen=True)
class Rule:
    """What APGD does under one norm.

    ``start`` draws first points; ``windows`` gives the checkpoints of so many steps, and how many
    there are since the one before. ``begin`` is the pace at ``z``, for images ``x`` in a ball; the
    last argument says whether ``z`` was drawn or comes from a larger ball.
    ``large_eps`` says whether larger balls go before the ball by default.
    """

    start: Start
    windows: Callable[[int], dict[int, int]]
    begin: Callable[[Tensor, Tensor, Ball, bool], Pace]
    large_eps: bool = False


def _rim(draw: Callable[[BatchDraws, tuple[int, ...]], NDArray[np.float32]]) -> Start:
    """Return the start that scales what it draws to the length eps."""

    def start(x: Tensor, ball: Ball, rng: BatchDraws) -> Tensor:
        noise = torch.from_numpy(draw(rng, tuple(x.shape[1:]))).to(x)
        return ball.project(x, x + expanded(ball.eps.to(x) / ball.size(noise), x) * noise)

    return start


def _nearest(x: Tensor, ball: Ball, rng: BatchDraws) -> Tensor:
    """Return the points of ball and box nearest to normal noise around ``x``: sparse changes."""
    return ball.project(x, x + torch.from_numpy(rng.singles(tuple(x.shape[1:]))).to(x))


def shrinking(steps: int) -> dict[int, int]:
    """Return windows of 22 % of the steps, each 3 % shorter than the one before, down to 6 %."""
    window, less, least = (max(int(part * steps), 1) for part in (0.22, 0.03, 0.06))
    found, end = {}, window
    while end <= steps:
        found[end] = window
        window = max(window - less, least)
        end += window
    return found


def even(steps: int) -> dict[int, int]:
    """Return windows of 4 % of the steps."""
    window = max(int(0.04 * steps), 1)
    return dict.fromkeys(range(window, steps + 1, window), window)


def _halving(z: Tensor, x: Tensor, ball: Ball, fresh: bool) -> Halving:
    del z, fresh
    eps = ball.eps.to(x)
    # Whatever the best loss at the start: "reduced" keeps the first checkpoint from looking at it.
    return Halving(2 * eps, torch.ones_like(eps, dtype=torch.bool), torch.zeros_like(eps))


def _sparse(z: Tensor, x: Tensor, ball: Ball, fresh: bool) -> Sparse:
    total = torch.full(x.shape[:1], x[0].numel(), device=x.device)
    if fresh:
        return Sparse(ball.eps.to(x), -(-total // 5), total)
    entries = changed(z, x)
    return Sparse(ball.eps.to(x), share_of(entries), entries)


RULES: dict[Norm, Rule] = {
    "Linf": Rule(_rim(BatchDraws.signed), shrinking, _halving),
    "L2": Rule(_rim(BatchDraws.singles), shrinking, _halving),
    "L1": Rule(_nearest, even, _sparse, large_eps=True),
}
"""What APGD does, by norm."""
