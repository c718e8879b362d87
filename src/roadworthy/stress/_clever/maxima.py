"""The largest slopes that batches of random points around an image meet, streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError
from roadworthy.models.counted import Counted
from roadworthy.stress._norms import Geometry
from roadworthy.stress.draws import BatchDraws, Draws

Sampling = Literal["ball", "ray"]

POINTS = 256
"""Points that go through the model at once where frames are small: more are no faster."""

IMAGES = 16
"""Images that are worked on at once; of large frames that many points go through the model."""

ELEMENTS = 1 << 18
"""Pixels that go through the model at once, where that is more than one frame an image."""

BLOCK = 1 << 16
"""Numbers that are drawn in one go: a small frame is drawn faster in company of others."""

HALVED = 10
"""One batch in so many is looked at a second time, at half the radius."""


@dataclass(frozen=True)
class Plan:
    """How many ``batches`` of ``draws`` points are drawn from balls of ``radius`` in a norm."""

    geometry: Geometry
    radius: float
    batches: int
    draws: int
    sampling: Sampling = "ball"


@dataclass(frozen=True)
class Maxima:
    """The largest slope in every batch, (N, targets, batches), and of the first batches halved."""

    whole: Tensor
    half: Tensor

    @staticmethod
    def joined(parts: list[Maxima]) -> Maxima:
        """Return those of all images."""
        return Maxima(torch.cat([p.whole for p in parts]), torch.cat([p.half for p in parts]))


def halved(batches: int) -> int:
    """Return how many of the batches are looked at again at half the radius."""
    return max(1, batches // HALVED)


def maxima(
    model: Counted, x: Tensor, labels: Tensor, targets: Tensor, plan: Plan, rng: BatchDraws
) -> Maxima:
    """Return the largest dual norms of the gradient of z_label - z_target near every image.

    ``targets`` are (N, T). Few points are held at a time, however many are drawn; which ones an
    image gets depends on nothing but its own generator and its shape.
    """
    rows = torch.arange(len(x), device=x.device)
    found = []
    for some in torch.split(rows, IMAGES):
        here = model.at(some, images=len(x))
        found.append(_near(here, x[some], labels[some], targets[some], plan, rng.at(some)))
    return Maxima.joined(found)


def _near(
    model: Counted, x: Tensor, labels: Tensor, targets: Tensor, plan: Plan, rng: BatchDraws
) -> Maxima:
    images, size = len(x), x[0].numel()
    block = max(1, min(IMAGES, BLOCK // size))
    limit = min(POINTS, ELEMENTS // (x.shape[-1] * x.shape[-2]))
    step = block * max(1, limit // (images * block))
    whole = x.new_zeros((images, targets.shape[1], plan.batches))
    half = whole[..., : halved(plan.batches)].clone()
    total, again = plan.batches * plan.draws, halved(plan.batches) * plan.draws
    for start in range(0, total, step):
        count = min(step, total - start)
        blocks = -(-count // block)
        offsets = _offsets(plan, x, rng.each, blocks * block, block)[:count]
        number = torch.arange(start, start + count, device=x.device) // plan.draws
        _raise(whole, number, _slopes(model, x, offsets, labels, targets, plan))
        twice = max(0, min(again - start, count))
        if twice:
            closer = offsets[:twice] / 2
            _raise(half, number[:twice], _slopes(model, x, closer, labels, targets, plan))
    return Maxima(whole, half)


def _offsets(plan: Plan, x: Tensor, each: Sequence[Draws], count: int, block: int) -> Tensor:
    """Return ``count`` steps away from every image of ``x``, (count, N, C, H, W), block by block."""
    size = x[0].numel()
    drawn, along = np.empty((count, len(x), size), np.float32), np.ones((count, len(x)))
    for image, draws in enumerate(each):
        for start in range(0, count, block):
            drawn[start : start + block, image] = plan.geometry.inside(draws, block, size)
            if plan.sampling == "ray":
                along[start : start + block, image] = draws.uniform(0.0, 1.0, (block,))
    points = torch.from_numpy(drawn).to(x).view(count, *x.shape)
    if plan.sampling == "ball":
        return points.mul_(plan.radius)
    lengths = plan.geometry.size(points.flatten(0, 1)).view(along.shape)
    scale = plan.radius * torch.from_numpy(along).to(x) / lengths
    return points.mul_(scale[..., None, None, None])


def _slopes(
    model: Counted, x: Tensor, offsets: Tensor, labels: Tensor, targets: Tensor, plan: Plan
) -> Tensor:
    """Return the dual norm of the gradient of every lead at every point, (count, N, targets)."""
    count = len(offsets)
    points = (x + offsets).clamp_(0.0, 1.0).flatten(0, 1)
    if x.is_contiguous(memory_format=torch.channels_last):
        points = points.contiguous(memory_format=torch.channels_last)
    with torch.enable_grad():
        logits = model.logits(points.requires_grad_())
        leads = logits.gather(1, labels.repeat(count)[:, None]) - logits.gather(
            1, targets.repeat(count, 1)
        )
    if not leads.requires_grad:
        raise RoadworthyError(
            f"{model.id}: the logits do not depend on the input differentiably "
            "(is part of the network run under no_grad, or detached?)"
        )
    found = []
    for each in range(leads.shape[1]):
        more = each + 1 < leads.shape[1]
        (slope,) = torch.autograd.grad(leads[:, each].sum(), points, retain_graph=more)
        found.append(plan.geometry.dual(slope))
    return torch.stack(found, dim=1).view(count, *targets.shape)


def _raise(largest: Tensor, number: Tensor, slopes: Tensor) -> None:
    """Note slopes (count, N, T) of batches ``number`` (count,) where they are larger; NaN is."""
    index = number.expand(*largest.shape[:2], -1)
    largest.scatter_reduce_(2, index, slopes.permute(1, 2, 0), "amax")
