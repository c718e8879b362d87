"""The sum of absolute changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress._norms.base import Norm, expanded
from roadworthy.stress._norms.order import largest, spread
from roadworthy.stress._norms.plane import largest_first, plane
from roadworthy.stress.draws import BatchDraws, Draws, Singles

SHARE = 100
"""A step changes one in so many elements: one alone would stand at the box at once."""

FINEST = np.float32(2.0**-24)
"""Random numbers in single precision are 2 ** -23 apart: 0, whose logarithm is none, means this."""


@dataclass(frozen=True)
class L1:
    """The sum of the absolute changes, in units of the [0, 1] range."""

    name: Norm = "L1"

    def size(self, difference: Tensor) -> Tensor:
        """Return the sum of absolute elements of each sample, (N,)."""
        return difference.flatten(1).abs().sum(1)

    def dual(self, gradient: Tensor) -> Tensor:
        """Return the largest absolute element, (N,)."""
        return gradient.flatten(1).abs().amax(1)

    def project(self, x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
        """Return the nearest point: every change shrinks by the same amount, clipped to the box.

        Croce & Hein, ICML 2021: shrinking and clipping one after the other would not be nearest.
        """
        change = z - x
        length, room = change.abs(), torch.where(change > 0, 1 - x, x)
        least = expanded(_threshold(length.flatten(1), room.flatten(1), radius.flatten(1)), x)
        shrunk = x + (length - least).clamp_min_(0).copysign(change)
        return torch.where(least > 0, shrunk, z).clamp_(0.0, 1.0)

    def projection(self, x: Tensor, radius: Tensor) -> Callable[[Tensor], Tensor]:
        """Return `project` around ``x``."""
        return lambda z: self.project(x, z, radius)

    def steepest(self, gradient: Tensor, at: Tensor | None) -> Tensor:
        """Return a step shared by the elements of largest gradient that have room, 1 % of all.

        Tramèr & Boneh, NeurIPS 2019. No direction where there is no gradient.
        """
        values = gradient.abs()
        if at is not None:
            values = values * ((gradient > 0).to(at) != at)
        values = values.flatten(1)
        count = max(1, values.shape[1] // SHARE)
        mask = largest(values, torch.full(values.shape[:1], count, device=values.device))
        mask &= values > 0
        each = 1.0 / mask.sum(1).clamp_min(1).to(gradient)
        return gradient.sign() * spread(mask, gradient) * expanded(each, gradient)

    def random(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return normal noise brought into ball and box."""
        noise = torch.from_numpy(rng.normal(tuple(x.shape[1:]))).to(x)
        return self.project(x, x + noise, radius)

    def inside(self, draws: Draws, count: int, size: int) -> Singles:
        """Return points drawn uniformly: exponential numbers, one more than elements, over their sum.

        Their signs are random. Barthe et al., Annals of Probability 2005.
        """
        signed = draws.signed((count, size + 1))
        lengths = -np.log(np.maximum(1 - np.abs(signed), FINEST))
        lengths /= lengths.sum(1, keepdims=True)
        found: Singles = np.copysign(lengths, signed, out=lengths)
        return found[:, :size]

    def onto_plane(self, x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
        """Move the elements of largest normal as far as the box lets them, until the gap closes."""
        there = plane(x, normal, gap)
        return largest_first(there.weight, there.room, there.need).mul_(there.signs)


def _threshold(length: Tensor, room: Tensor, radius: Tensor) -> Tensor:
    """Return by how much to shrink each row of ``length`` so that its sum is ``radius``, (N,).

    No element counts for more than its ``room``. 0 where the sum is small enough as it is.
    """
    low, high = torch.zeros_like(radius), length.amax(1, keepdim=True)
    for _ in range(40 if length.dtype == torch.float32 else 64):
        middle = (low + high) / 2
        held = (length - middle).clamp_min_(0)
        outside = torch.minimum(held, room, out=held).sum(1, keepdim=True) > radius
        low, high = torch.where(outside, middle, low), torch.where(outside, high, middle)
    inside = torch.minimum(length, room).sum(1, keepdim=True) <= radius
    return torch.where(inside, 0.0, high).squeeze(1)
