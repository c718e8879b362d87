"""The direction in which a decision boundary is crossed, from decisions about points around it."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws

BLOCK = 32
"""Probes of an image in one forward pass, the same ones whatever else is in the batch."""


def boundary_normal(
    asked: Decisions, rows: Tensor, z: Tensor, radius: Tensor, count: int, rng: BatchDraws
) -> Tensor:
    """Return a direction that leads beyond the boundary at the points ``z``, (n, C, H, W).

    It is the mean of ``count`` random directions u of unit length, each times 1 where z + radius * u
    reaches the goal and -1 where it does not, less the mean of these signs: that baseline takes away
    most of the variance where one side has more. ``radius`` is (n,), Euclidean. Of probes that leave
    the box the clipped ones count. Chen, Jordan & Wainwright, S&P 2020.
    """
    sums = z.new_zeros((len(z), 2, z[0].numel()))
    positive = torch.zeros_like(radius)
    blocks = [min(BLOCK, count - done) for done in range(0, count, BLOCK)]
    images = max(1, asked.at_once // BLOCK)
    for group in torch.split(torch.arange(len(z), device=z.device), images):
        here, draws = rows[group], rng.at(rows[group])
        for size in blocks:
            if asked.over:  # nobody goes on to where this leads
                break
            steps = _unit(torch.from_numpy(draws.singles((size, *z.shape[1:]))).to(z))
            reach = radius[group].view(-1, 1, 1, 1, 1)
            probes = steps.mul_(reach).add_(z[group, None]).clamp_(0.0, 1.0)
            signs = 2.0 * asked.ask_about(here, probes.transpose(0, 1)).to(z) - 1.0
            steps = probes.sub_(z[group, None]).div_(reach).flatten(2)
            for index, sign, step in zip(group.tolist(), signs.T, steps, strict=True):
                sums[index] += torch.stack([sign, torch.ones_like(sign)]) @ step
                positive[index] += sign.sum()
    mean = positive / count
    same = mean.abs() == 1  # there is no other side to compare with
    normal = sums[:, 0] - torch.where(same, 0.0, mean)[:, None] * sums[:, 1]
    return normal.view(z.shape) / expanded(normal.norm(dim=1).clamp_min(1e-30), z)


def _unit(steps: Tensor) -> Tensor:
    length = steps.flatten(2).norm(dim=2).clamp_min(1e-30)
    return steps.div_(length.view(*length.shape, 1, 1, 1))
