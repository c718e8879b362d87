"""Small pieces of methods that go by steps of a given length: directions and schedules."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws


def unit(direction: Tensor) -> Tensor:
    """Return each sample's ``direction`` (N, C, H, W) at Euclidean length 1; zero stays zero.

    The largest element is divided out first, so that squares of tiny gradients do not vanish.
    """
    largest = expanded(direction.flatten(1).abs().amax(1), direction)
    scaled = direction / torch.where(largest > 0, largest, 1.0)
    length = expanded(scaled.flatten(1).norm(dim=1), direction)
    return scaled / length.clamp_min(1.0)


def unit_or_random(direction: Tensor, rng: BatchDraws) -> Tensor:
    """Return `unit` of the directions, and random ones where there is none at all."""
    none = (direction.flatten(1) == 0).all(1)
    if none.any():
        drawn = torch.from_numpy(rng.at(none).normal(tuple(direction.shape[1:])))
        direction = direction.index_put((none,), drawn.to(direction))
    return unit(direction)


def cosine(first: float, last: float, step: int, steps: int) -> float:
    """Return the value at ``step`` of a schedule from ``first`` at 0 to ``last`` at ``steps``."""
    return last + (first - last) * (1.0 + math.cos(math.pi * step / steps)) / 2.0
