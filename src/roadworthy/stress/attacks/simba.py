"""SimBA: one direction of a basis at a time, kept when the answer changes as it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.basis import Basis, BasisName, basis_of, shuffled
from roadworthy.stress._attacks.queries import (
    Clock,
    check_positive,
    check_queries,
    passes_of_queries,
)
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, Loss, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    check_queries("simba", arguments)
    check_positive("simba", arguments, "step")
    if not 0 < arguments.get("frequencies", 1) <= 1:
        raise UsageError(
            "simba: frequencies is the part of them that the cosines have, above 0 and at most 1, "
            f"not {arguments['frequencies']}"
        )


@attack(
    Need.PROBABILITIES,
    norms=("Linf", "L2"),
    check=_check,
    passes=passes_of_queries,
    paper="Guo et al., ICML 2019",
)
def simba(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    queries: int = 10_000,
    step: float = 0.2,
    basis: BasisName = "pixel",
    frequencies: float = 0.125,
    loss: LossName = "cross_entropy",
    stop: Stop = "success",
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Step along one direction of an orthonormal basis after the other, down it or else up, if it pays.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball, into
    which every candidate is brought before it is asked about. ``step`` is the Euclidean length of a
    step, in units of [0, 1]. ``basis=pixel`` changes elements, ``dct`` cosines over the frame, of the
    lowest ``frequencies`` (a part of all) in either direction. Every image takes the directions in a
    random order of its own, all before any again. What is kept is what raises the loss, by default
    lowers the probability of the label, or raises that of a target; the goal once reached is not left
    again. An image gets ``queries`` answers in all, the first of them about itself; ``steps_used``
    and ``step_success`` are queries. ``seconds`` ends the attack on a batch after that time, which
    makes results depend on the machine. Guo et al., ICML 2019.
    """
    directions = basis_of(basis, x, frequencies=frequencies)
    order = shuffled(rng, len(directions), queries).to(x.device)
    with torch.no_grad():
        watch = Watch(model, x, goal, ball, stop=stop)
        return _search(watch, directions, order, step, queries, LOSSES[loss], Clock(seconds))


def _search(
    watch: Watch,
    directions: Basis,
    order: Tensor,
    step: float,
    queries: int,
    loss: Loss,
    clock: Clock,
) -> Found:
    z = candidate = watch.x
    best = torch.full_like(z[:, 0, 0, 0], -torch.inf)
    there, down = torch.zeros((2, len(z)), dtype=torch.bool, device=z.device)
    turn, asked = torch.full_like(watch.rows, -1), 0
    while True:
        logits, asked = watch.model.logits(candidate), asked + 1
        value, reached = loss(logits, watch.goal), watch.goal.reached(logits)
        rises = value > best
        better = torch.where(there, rises & reached, rises | reached)
        z = torch.where(better.view(-1, 1, 1, 1), candidate, z)
        best, there = torch.where(better, value, best), there | reached
        again = down & ~better  # the other way along the same direction
        turn, down = turn + ~again, ~again
        going = watch.see(logits, z, asked)
        z, best, there, turn, down = watch.keep(going, z, best, there, turn, down)
        if asked == queries or not len(watch) or clock.over:
            return watch.finish(z, asked)
        assert watch.ball is not None
        by = torch.where(down, -step, step).to(z)
        candidate = directions.moved(z, order[watch.rows, turn].long(), by)
        candidate = watch.ball.project(watch.x, candidate)
