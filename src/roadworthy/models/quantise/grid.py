"""Rounding to a grid of few levels: q = clip(round(x / s) + z, qmin, qmax), x' = s (q - z)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST = 1e-30
"""The least distance of two levels, so that its inverse is a number in float32."""


@dataclass(frozen=True)
class Grid:
    """The 2 ** ``bits`` levels ``scale`` * (q - ``zero``), q a signed whole number of that many bits."""

    scale: float
    zero: int
    bits: int

    def round(self, x: Tensor) -> Tensor:
        """Return ``x`` with every value at its nearest level.

        The gradient goes straight through, as that of a clip half a step beyond the ends: values that
        round to no level pass none.
        """
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, *ends(self.bits))


def ends(bits: int) -> tuple[int, int]:
    """Return the smallest and the largest signed whole number of ``bits`` bits."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def affine(low: float, high: float, bits: int) -> Grid:
    """Return the grid over ``low`` to ``high`` and 0, of which 0 is a level exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    first, last = ends(bits)
    scale = max((high - low) / (last - first), SMALLEST)
    return Grid(scale, min(max(first - round(low / scale), first), last), bits)


def rounded_weight(weight: Tensor, bits: int, *, per_channel: bool, search: bool) -> Tensor:
    """Return ``weight`` on grids that are symmetric about 0, one for each output channel or for all.

    The channels are its first axis. The largest value is the last level but for ``search``, which
    takes of 50 smaller ranges as well the one with the smallest mean squared error.
    """
    rows = weight.detach().float().reshape(len(weight) if per_channel else 1, -1)
    first, last = ends(bits)
    largest = rows.abs().amax(1) / last
    zeros = torch.zeros(len(rows), dtype=torch.int32, device=rows.device)
    best, error = rows, torch.full_like(largest, torch.inf)
    for share in SHARES if search else (1.0,):
        scale = (largest * share).clamp_min(SMALLEST)
        tried = torch.fake_quantize_per_channel_affine(rows, scale, zeros, 0, first, last)
        found = (tried - rows).square().mean(1)
        better = found < error
        error = torch.where(better, found, error)
        best = torch.where(better[:, None], tried, best)
    return best.reshape(weight.shape).to(weight.dtype)


SHARES = tuple(k / 50 for k in range(50, 0, -1))
"""Parts of the whole range that a search for the smallest error tries."""
