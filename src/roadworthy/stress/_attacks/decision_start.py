"""Where decision-based attacks begin: noise that reaches the goal, brought to the boundary."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws

Start = Literal["blended", "noise"]

BLENDS = 50
"""Steps of the search from the image to the noise."""

CLOSE = 0.01
"""How exactly the boundary is met, as a part of the distance, where a walk along it only begins."""

ROUNDS = 64
"""Bisections after which no interval can be any smaller."""


def started(
    asked: Decisions, rng: BatchDraws, *, start: Start, tries: int
) -> tuple[Tensor, Tensor]:
    """Return the images that have somewhere to begin, indices, and a point of each, (N, C, H, W).

    Each image draws up to ``tries`` noises until one reaches the goal. ``start=blended`` mixes that
    noise into the image, a fiftieth more at a time, and begins at the first mixture that does.
    """
    rows, z = asked.begin(), asked.x.clone()
    searching = asked.able(rows)
    for attempt in range(tries):
        if not len(searching):
            break
        noise = _noise(asked.x[searching], rng.at(searching), attempt)
        reached = asked.ask(searching, noise)
        z[searching[reached]] = noise[reached]
        searching = asked.able(searching[~reached])
    rows = rows[asked.distance[rows].isfinite()]
    if start == "blended":
        _blend(asked, rows, z)
    return rows, z


def _noise(x: Tensor, rng: BatchDraws, attempt: int) -> Tensor:
    """Return uniform noise of every element at first, later of coarser grids, every other time sharp.

    Noise of single elements looks the same to a network whatever is drawn; plain and chequered
    colours do not, and corners of the box, 0 and 1 alone, are further away than most of its points.
    """
    height, width = x.shape[-2:]
    largest = max(height, width)
    sides = [largest, *(2**k for k in range((largest - 1).bit_length()))]
    side = sides[attempt // 2 % len(sides)]
    shape = (x.shape[1], min(side, height), min(side, width))
    drawn = torch.from_numpy(rng.uniform(0.0, 1.0, shape)).to(x)
    drawn = drawn.round() if attempt % 2 else drawn
    return functional.interpolate(drawn, size=(height, width), mode="nearest")


def _blend(asked: Decisions, rows: Tensor, z: Tensor) -> None:
    noise, searching = z.clone(), asked.able(rows)
    for step in range(1, BLENDS):
        if not len(searching):
            return
        x = asked.x[searching]
        mixed = x + step / BLENDS * (noise[searching] - x)
        reached = asked.ask(searching, mixed)
        z[searching[reached]] = mixed[reached]
        searching = asked.able(searching[~reached])


def bisected(asked: Decisions, rows: Tensor, z: Tensor, tolerance: Tensor) -> Tensor:
    """Return points on the boundary between images ``rows`` and points ``z`` (n, C, H, W) beyond it.

    They are the projections of ``z`` on ever smaller balls around the images: under L2 these lie on
    the line between the two. The search ends where the radius is known up to ``tolerance`` (n,), or
    to the last bits.
    """
    x, high = asked.x[rows], asked.size(rows, z)
    low, best = torch.zeros_like(high), z.clone()
    tolerance = tolerance.maximum(8 * torch.finfo(z.dtype).eps * high)
    for _ in range(ROUNDS):
        going = ((high - low > tolerance) & asked.goes_on(rows)).nonzero().squeeze(1)
        if not len(going):
            break
        middle = (low[going] + high[going]) / 2
        point = asked.geometry.project(x[going], z[going], expanded(middle, z))
        reached = asked.ask(rows[going], point)
        high[going] = torch.where(reached, middle, high[going])
        low[going] = torch.where(reached, low[going], middle)
        best[going] = torch.where(expanded(reached, z), point, best[going])
    return best


def lengths(vectors: Tensor) -> Tensor:
    """Return the Euclidean length of each of ``vectors``, never 0, (n, 1, 1, 1)."""
    return expanded(vectors.flatten(1).norm(dim=1).clamp_min(1e-30), vectors)
