"""Input diversity (DI): copies of random size at a random place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.parts.base import View, views


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 < arguments["rate"] <= 4:
        raise UsageError(
            f"diverse: rate must be larger than 0 and at most 4, not {arguments['rate']}; "
            "0.85 resizes to 85 % of the frame or more"
        )
    if not 0 <= arguments["probability"] <= 1:
        raise UsageError(f"diverse: probability must be 0 to 1, not {arguments['probability']}")


@views(order=2, check=_check, paper="Xie et al., CVPR 2019")
def diverse(*, rate: float = 0.85, probability: float = 0.7, rng: BatchDraws) -> list[View]:
    """Show each image, with ``probability``, at a random size and place, black around it.

    The size is any whole number of pixels from ``rate`` times the frame to the frame (bilinear, both
    sides alike). A ``rate`` above 1 enlarges: from the frame to ``rate`` times it, on a canvas of the
    largest size, which is then resized into the frame, so that models of one size take it. Size,
    place and chance are drawn for each image by itself. Xie et al., "Improving transferability of
    adversarial examples with input diversity", CVPR 2019.
    """
    drawn = torch.from_numpy(rng.uniform(0.0, 1.0, (4,)))
    return [partial(_placed, rate=rate, probability=probability, drawn=drawn)]


def _placed(x: Tensor, *, rate: float, probability: float, drawn: Tensor) -> Tensor:
    chance, size, top, left = drawn.unbind(1)
    chosen = (chance < probability).to(x.device).view(-1, 1, 1)
    height, width = x.shape[2:]
    rows = _along(height, rate, size, top, x).where(chosen, torch.eye(height).to(x))
    columns = _along(width, rate, size, left, x).where(chosen, torch.eye(width).to(x))
    wide = torch.einsum("nchw,nvw->nchv", x, columns)
    placed = torch.einsum("nuh,nchv->ncuv", rows, wide)
    if x.is_contiguous(memory_format=torch.channels_last):
        return placed.contiguous(memory_format=torch.channels_last)
    return placed


def _along(side: int, rate: float, size: Tensor, place: Tensor, like: Tensor) -> Tensor:
    """Return what resizing and padding do along one side, as a matrix for each image.

    ``size`` and ``place`` are (N,), drawn from [0, 1); the result is (N, side, side).
    """
    least, canvas = sorted((side, max(1, round(side * rate))))
    pixels = least + (size * (canvas - least + 1)).floor()
    first = (place * (canvas - pixels + 1)).floor()
    matrix = _bilinear(side, pixels.to(like), first.to(like), canvas)
    if canvas > side:
        into = torch.tensor([0.0, side]).to(like)
        matrix = _bilinear(canvas, into[1:], into[:1], side) @ matrix
    return matrix


def _bilinear(inputs: int, pixels: Tensor, first: Tensor, outputs: int) -> Tensor:
    """Return the weights (N, outputs, inputs) of a row resized to ``pixels``, placed at ``first``."""
    pixels = pixels.view(-1, 1, 1)
    where = torch.arange(outputs, device=first.device)[:, None] - first.view(-1, 1, 1)
    source = ((where + 0.5) * inputs / pixels - 0.5).clamp(0, inputs - 1)
    weights = (1 - (source - torch.arange(inputs, device=first.device)).abs()).clamp_min(0)
    return weights.where((where >= 0) & (where < pixels), 0.0)
