"""N-attack: a normal distribution of images in the ball, moved to where the loss is higher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.differences import drawn_around, in_calls, losses_of
from roadworthy.stress._attacks.queries import (
    NEVER,
    Clock,
    at_once,
    check_positive,
    check_queries,
    passes_of_queries,
)
from roadworthy.stress._attacks.tanh_space import from_tanh_space, to_tanh_space
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, Loss, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need

TINY = 1e-7
"""The least deviation that losses are divided by."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_queries("n_attack", arguments)
    check_positive("n_attack", arguments, "spread", "step")
    if arguments.get("samples", 2) < 2:
        raise UsageError(
            f"n_attack: samples are compared with each other: at least 2, not {arguments['samples']}"
        )
    if not 0 <= arguments.get("start", 0) < float("inf"):
        raise UsageError(f"n_attack: start is a deviation, 0 or more, not {arguments['start']}")


@attack(
    Need.PROBABILITIES,
    norms=("Linf", "L2", "L1"),
    check=_check,
    passes=passes_of_queries,
    version=2,
    paper="Li et al., ICML 2019",
)
def n_attack(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    queries: int = 10_000,
    samples: int = 100,
    spread: float = 0.1,
    step: float = 0.02,
    start: float = 0.001,
    loss: LossName = "margin",
    stop: Stop = "success",
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Move the mean of a normal distribution to where the images it stands for have a higher loss.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball. The
    distribution, of standard deviation ``spread``, is of changes in tanh space, where every point is
    an image; what is asked about is brought into the ball. Its mean begins at normal numbers of
    standard deviation ``start`` and moves by ``step`` / ``spread`` times the mean product of the
    draws and their losses, which each image standardises over its ``samples``; where only some are
    left for the last step it is as much shorter. The goal is reached
    by the image that the mean stands for, which costs one query after every step. An image gets
    ``queries`` answers in all; ``steps_used`` and ``step_success`` are queries. ``seconds`` ends the
    attack on a batch after that time, which makes results depend on the machine. Li et al., ICML
    2019.
    """
    with torch.no_grad():
        watch = Watch(model, x, goal, ball, stop=stop, rng=rng)
        mean, asked, clock = to_tanh_space(x), 0, Clock(seconds)
        (first,) = drawn_around(watch, mean, BatchDraws.singles, 1, start)
        mean = mean + first
        while True:
            count = min(samples, queries - asked - 1)
            if count > 1:  # one alone has nothing to be compared with
                better, count = _better(
                    watch, mean, count, spread=spread, loss=LOSSES[loss], clock=clock
                )
                # Fewer draws know less: their mean counts for as much less, not more at random.
                mean, asked = mean + step / spread * (count / samples) * better, asked + count
            z, asked = _image(watch, mean), asked + 1
            going = watch.see(watch.model.logits(z), z, asked)
            z, mean = watch.keep(going, z, mean)
            if asked >= queries or not len(watch) or clock.over:
                return watch.finish(z, asked)


def _image(watch: Watch, w: Tensor) -> Tensor:
    """Return the image in the ball that belongs to the point ``w`` of tanh space."""
    assert watch.ball is not None
    return watch.ball.project(watch.x, from_tanh_space(w))


def _better(
    watch: Watch,
    mean: Tensor,
    count: int,
    *,
    spread: float,
    loss: Loss,
    clock: Clock = NEVER,
) -> tuple[Tensor, int]:
    """Return the mean of draw times standardised loss over normal draws around ``mean``.

    Also how many draws there were: ``count``, or fewer where the ``clock`` ran out between calls of
    the model. A draw whose loss is not finite says nothing.
    """
    # Draws are as large as images, so only two sums of them are kept. Losses count from the first
    # one on, beside which their differences are small.
    total, weighted = torch.zeros_like(mean), torch.zeros_like(mean)
    assert watch.ball is not None
    project, together = watch.ball.projection(watch.x), at_once(mean)
    first, values, done = None, [], 0
    draws = drawn_around(watch, mean, BatchDraws.singles, count, spread)
    for drawn in in_calls(draws, together, clock, least=2):
        done += len(drawn)
        images = [project(from_tanh_space(mean + draw)) for draw in drawn]
        found = losses_of(watch.model, watch.goal, images, loss)
        first = found[0].nan_to_num(0.0, 0.0, 0.0) if first is None else first
        found = (found - first).to(mean)
        values.append(found)
        for draw, value in zip(drawn, found, strict=True):  # one by one, however many in a call
            known = value.isfinite()
            total.addcmul_(draw, expanded(known.to(mean), mean))
            weighted.addcmul_(draw, expanded(torch.where(known, value, 0.0), mean))
    every = torch.cat(values).t().contiguous()  # how a row is summed does not depend on the others
    every = torch.where(every.isfinite(), every, torch.nan)
    centre = every.nanmean(1)
    deviation = (every - centre[:, None]).square().nanmean(1).sqrt().clamp_min(TINY)
    number = every.isfinite().sum(1)
    better = weighted.sub_(expanded(centre, mean) * total)
    better = better.div_(expanded(deviation * number * spread, mean)).nan_to_num_(0.0, 0.0, 0.0)
    return better, done
