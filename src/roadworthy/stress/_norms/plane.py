"""The nearest point of a plane inside the box: what the norms share of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.stress._norms.base import expanded

FIRST_LARGEST = 64
"""Under L1 few elements move: so many of the largest are put in order before all are."""


@dataclass(frozen=True)
class Plane:
    """The plane <normal, d> = gap seen from points of the box, for normals whose largest element is 1.

    Every step towards it goes along ``signs``, for each element by an amount between 0 and ``room``;
    the sum of ``weight`` * amount is to be ``need``, (N, 1, 1, 1).
    """

    signs: Tensor
    weight: Tensor
    room: Tensor
    need: Tensor


def plane(x: Tensor, normal: Tensor, gap: Tensor) -> Plane:
    """Return what there is to move from ``x`` (N, C, H, W) in the box to close ``gap`` (N,)."""
    tiny = torch.finfo(x.dtype).tiny
    weight = torch.abs(normal, out=torch.empty_like(x))
    most = weight.amax((1, 2, 3), keepdim=True).clamp_min(tiny)
    gap = expanded(gap, x)
    signs = torch.mul(normal.sign(), gap.sign(), out=torch.empty_like(x))
    # Comparisons that write numbers are several times faster than those that write truth values.
    room = torch.gt(signs, 0, out=torch.empty_like(x)).sub_(x).abs_()
    return Plane(signs, weight.div_(most), room, gap.abs() / most)


def water_level(weight: Tensor, bound: Tensor, need: Tensor) -> Tensor:
    """Return the level at which the sum of ``weight`` * min(level, ``bound``) is ``need``.

    The sum grows with the level along a concave polygon, so that Newton's steps climb to the root
    from below and end on it: each at least halves either the slope or what is missing, and once no
    more elements reach their bound the next step changes nothing. Where all bounds together are not
    enough the level is above all of them.
    """
    most, tiny = torch.finfo(bound.dtype).max, torch.finfo(bound.dtype).tiny
    reach, chosen = weight * bound, torch.empty_like(bound)
    level = (need / _sum(weight).clamp_min(tiny)).clamp_max(most)
    while True:
        missing = need - _sum(torch.le(bound, level, out=chosen).mul_(reach))
        slope = _sum(torch.gt(bound, level, out=chosen).mul_(weight))
        following = (missing / slope.clamp_min(tiny)).clamp_max(most)
        if not (following > level).any():
            return level
        level = torch.where(following > level, following, level)


def largest_first(weight: Tensor, room: Tensor, need: Tensor) -> Tensor:
    """Return amounts of at most ``room``, all or nothing but for one, in the order of ``weight``.

    The sum of ``weight`` * amount is ``need``; where all of the room is not enough it is used up.
    """
    values, rooms, needs = weight.flatten(1), room.flatten(1), need.flatten(1)
    amounts = torch.zeros_like(values)
    rows, size = torch.arange(len(values), device=values.device), values.shape[1]
    for count in (min(FIRST_LARGEST, size), size):
        ordered, index = values[rows].topk(count, dim=1)
        fits = rooms[rows].gather(1, index)
        gains = (ordered * fits).cumsum(1)
        left = (needs[rows] - gains + ordered * fits).clamp_min_(0)
        part = torch.minimum(left / ordered.clamp_min(torch.finfo(values.dtype).tiny), fits)
        amounts[rows] = torch.zeros_like(values[rows]).scatter(1, index, part)
        rows = rows[gains[:, -1] < needs[rows, 0]]
        if not len(rows):
            break
    return torch.empty_like(room).copy_(amounts.view(room.shape))


def _sum(values: Tensor) -> Tensor:
    return values.sum((1, 2, 3), keepdim=True)
