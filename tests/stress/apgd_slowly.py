"""APGD as it is described, for one image, in loops: what the fast one is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from roadworthy.stress.norm_names import Norm

Climbed = Callable[[Tensor], tuple[float, Tensor]]
"""Gives the loss at a point (C, H, W) and its gradient."""


@dataclass
class Slow:
    """The iterates of one ascent and what the next one begins at."""

    seen: list[Tensor]
    best: Tensor


def slow_apgd(
    climbed: Climbed, x: Tensor, start: Tensor, norm: Norm, eps: float, steps: int
) -> Slow:
    """Run all steps from ``start`` (C, H, W), which was drawn: the L-infinity and L2 rules."""
    ends = _ends(steps)
    size, z, before = 2 * eps, start, start
    losses = [climbed(z)[0]]
    gradient = climbed(z)[1]
    best, best_loss, best_gradient = z, losses[0], gradient
    reduced, best_then, window = True, best_loss, 0
    seen = [z]
    for k in range(steps):
        weight = 1.0 if k == 0 else 0.75
        direction = gradient.sign() if norm == "Linf" else gradient / gradient.square().sum().sqrt()
        step = inside(x, z + size * direction, norm, eps)
        new = inside(x, z + weight * (step - z) + (1 - weight) * (z - before), norm, eps)
        before, z = z, new
        loss, gradient = climbed(z)
        losses.append(loss)
        seen.append(z)
        window += 1
        if loss > best_loss:
            best, best_loss, best_gradient = z, loss, gradient
        if k + 1 in ends:
            recent = losses[-window - 1 :]
            rises = sum(after > earlier for earlier, after in pairwise(recent))
            if rises <= 0.75 * window or (not reduced and best_then == best_loss):
                size, z, gradient, reduced = size / 2, best, best_gradient, True
            else:
                reduced = False
            best_then, window = best_loss, 0
    return Slow(seen, best)


def slow_sparse(
    climbed: Climbed, x: Tensor, start: Tensor, eps: float, steps: int, *, fresh: bool
) -> Slow:
    """Run all steps under the L1 rules; ``fresh`` if the start was drawn."""
    total, z, size = x.numel(), start, eps
    changed = total if fresh else int((start != x).sum())
    count = -(-total // 5) if fresh else max(-(-changed * 2 // 3), 1)
    every = max(int(0.04 * steps), 1)
    best_loss, gradient = climbed(z)
    best, best_gradient, seen = z, gradient, [z]
    for k in range(steps):
        order = gradient.abs().flatten().argsort(descending=True, stable=True)
        direction = torch.zeros_like(x).flatten()
        direction[order[:count]] = gradient.flatten()[order[:count]].sign()
        direction /= direction.abs().sum()
        z = inside(x, z + size * direction.view(x.shape), "L1", eps)
        loss, gradient = climbed(z)
        seen.append(z)
        if loss > best_loss:
            best, best_loss, best_gradient = z, loss, gradient
        if (k + 1) % every == 0:
            now = int((best != x).sum())
            if now / changed < 0.95:
                size, z, gradient = eps, best, best_gradient
            else:
                size = max(size / 1.5, eps / 10)
            count, changed = max(-(-now * 2 // 3), 1), now
    return Slow(seen, best)


def slow_large(
    climbed: Climbed, x: Tensor, start: Tensor, norm: Norm, eps: float, steps: int
) -> Slow:
    """Run 30 % of the steps in a ball three times as large, 30 % in one twice as large, the rest."""
    early = int(0.3 * steps)
    seen: list[Tensor] = []
    for times, part in ((3, early), (2, early), (1, steps - 2 * early)):
        begin = inside(x, start, norm, times * eps)
        if norm == "L1":
            found = slow_sparse(climbed, x, begin, times * eps, part, fresh=times == 3)
        else:
            found = slow_apgd(climbed, x, begin, norm, times * eps, part)
        seen, start = seen + found.seen, found.best
    return Slow(seen, start)


def inside(x: Tensor, z: Tensor, norm: Norm, eps: float) -> Tensor:
    """Return the point of ball and box that belongs to ``z``, each norm as it is described."""
    change = z - x
    if norm == "Linf":
        return (x + change.clamp(-eps, eps)).clamp(0, 1)
    if norm == "L2":
        length = float(change.square().sum().sqrt())
        return (x + change * (min(eps, length) / max(length, 1e-12))).clamp(0, 1)
    room = torch.where(change > 0, 1 - x, x)

    def held(least: float) -> Tensor:
        return torch.minimum((change.abs() - least).clamp_min(0), room)

    low, high = 0.0, float(change.abs().max())
    if float(held(0.0).sum()) <= eps:
        return x + change.sign() * held(0.0)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if float(held(middle).sum()) > eps else (low, middle)
    return x + change.sign() * held(high)


def _ends(steps: int) -> set[int]:
    window, ends, at = max(int(0.22 * steps), 1), set(), 0
    while at < steps:
        at += window
        ends.add(at)
        window = max(window - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return ends
