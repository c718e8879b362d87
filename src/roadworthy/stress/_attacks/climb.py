"""Climbing a loss by steps of fixed size inside the ball: what FGSM, BIM, PGD and MIM share."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress.ball import Ball
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import Loss
from roadworthy.stress.watch import Found, Stop, Watch

QUICK_CHECKS = 1
"""After so many steps a forward pass alone looks who has reached the goal already, if they may stop:
on an undefended network nearly all have, and the backward pass of the next step would be wasted."""


def climb(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int,
    size: Tensor,
    loss: Loss,
    stop: Stop,
    start: Tensor | None = None,
    decay: float | None = None,
) -> Found:
    """Take ``steps`` steepest steps of ``size`` (N,), each followed by a projection; return the last.

    ``decay`` accumulates gradients, each divided by its mean absolute element, as momentum does;
    None uses every gradient as it is. ``start`` is where to begin, ``x`` if None.
    """
    watch = Watch(model, x, goal, ball, stop=stop)
    z = x if start is None else start
    size = size.to(x).view(-1, 1, 1, 1)
    momentum = torch.zeros_like(x) if decay is not None else x
    for step in range(steps):
        if stop == "success" and 0 < step <= QUICK_CHECKS:
            with torch.no_grad():
                going = watch.see(watch.model.logits(z), z, step)
            z, size, momentum = watch.keep(going, z, size, momentum)
            if not len(watch):
                break
        logits, _, gradient = value_and_gradient(watch.model, loss, z, watch.goal)
        going = watch.see(logits, z, step)
        z, size, momentum, gradient = watch.keep(going, z, size, momentum, gradient)
        if not len(watch):
            break
        if decay is not None:
            momentum = decay * momentum + gradient / _mean_size(gradient)
            gradient = momentum
        assert watch.ball is not None
        z = watch.ball.project(watch.x, z + size * watch.ball.steepest(gradient, at=z))
    return watch.finish(z, steps)


def _mean_size(gradient: Tensor) -> Tensor:
    return gradient.flatten(1).abs().mean(1).clamp_min(1e-30).view(-1, 1, 1, 1)
