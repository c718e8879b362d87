"""Square's proposals in the maximum norm: squares at the faces of ball and box."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress._attacks.square_stock import Squares, places
from roadworthy.stress.draws import BatchDraws


@dataclass(frozen=True)
class LinfProposals:
    """Every channel of a square goes to the upper or the lower end of what its pixels may be."""

    def side(self, fraction: float, height: int, width: int) -> int:
        """Return the rounded side, at least 1 and at most the shorter side of the frame."""
        return min(max(round(math.sqrt(fraction * height * width)), 1), height, width)

    def start(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return vertical stripes: a sign for every column and channel."""
        signs = 2 * rng.integers(0, 2, (x.shape[1], 1, x.shape[3])) - 1
        return (x + radius * torch.from_numpy(signs.astype(np.float32)).to(x)).clamp_(0.0, 1.0)

    def propose(self, x: Tensor, radius: Tensor, best: Tensor, squares: Squares) -> Tensor:
        """Return ``best`` with its squares at an end: 2 eps more or less, clipped, is always one."""
        z = best.repeat(len(squares.side), 1, 1, 1)
        for side, rows, some in squares.by_side():
            images = rows % len(x)
            spots = places(images, some.first, side, x.shape)
            ends = radius[images].view(-1, 1, 1) * some.signs[..., None]
            moved = x.view(-1)[spots].add_(ends).clamp_(0.0, 1.0)
            if len(z) > len(x):
                spots = spots.add_((rows - images).view(-1, 1, 1) * x[0].numel())
            z.view(-1)[spots] = moved
        return z
