"""Translation invariance (TI): the gradient is smoothed by a Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import UsageError
from roadworthy.stress.parts.base import smoothing


def _check(arguments: Mapping[str, Any]) -> None:
    kernel, sigmas = arguments["kernel"], arguments["sigmas"]
    if kernel < 1 or kernel % 2 == 0:
        raise UsageError(f"translation: kernel must be an odd number of pixels, not {kernel}")
    if not 0 < sigmas < float("inf"):
        raise UsageError(f"translation: sigmas must be larger than 0, not {sigmas}")


@smoothing(check=_check, paper="Dong et al., CVPR 2019")
def translation(gradient: Tensor, *, kernel: int = 15, sigmas: float = 3.0) -> Tensor:
    """Smooth the gradient (N, C, H, W), each channel by itself, with zeros around the frame.

    The Gaussian has ``kernel`` by ``kernel`` pixels, ``sigmas`` standard deviations from its middle
    to its edge, and sums to 1. It stands for the mean gradient over shifted copies of the image.
    Dong et al., "Evading defenses to transferable adversarial examples by translation-invariant
    attacks", CVPR 2019.
    """
    offsets = torch.linspace(-sigmas, sigmas, kernel, dtype=torch.float64)
    taps = torch.exp(-0.5 * offsets.square())
    channels, radius = gradient.shape[1], kernel // 2
    weight = (taps / taps.sum()).to(gradient).repeat(channels, 1, 1)
    down = functional.conv2d(gradient, weight[..., None], padding=(radius, 0), groups=channels)
    return functional.conv2d(down, weight[..., None, :], padding=(0, radius), groups=channels)
