"""Variance tuning (VMI, VNI): the gradient is corrected by what it is around the last point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.parts.base import GradientAt, correction


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["draws"] < 0:
        raise UsageError(f"variance: draws must be 0 or more, not {arguments['draws']}")
    if not 0 <= arguments["radius"] < float("inf"):
        raise UsageError(f"variance: radius must be 0 or larger, not {arguments['radius']}")


@correction(
    norms=("Linf",),
    times=lambda arguments: int(arguments["draws"]),
    check=_check,
    paper="Wang & He, CVPR 2021",
)
def variance(
    gradient: Tensor,
    point: Tensor,
    eps: Tensor,
    gradient_at: GradientAt,
    *,
    draws: int = 20,
    radius: float = 1.5,
    rng: BatchDraws,
) -> Tensor:
    """Return the mean gradient around ``point`` minus the gradient there, for the next step.

    The neighbours are ``draws`` uniform points of the cube of half side ``radius`` * eps; they may
    lie outside the box. Every tensor is (N, C, H, W), ``eps`` (N, 1, 1, 1) in units of [0, 1]. Wang &
    He, "Enhancing the transferability of adversarial attacks through variance tuning", CVPR 2021.
    """
    if draws == 0:
        return torch.zeros_like(gradient)
    mean = torch.zeros_like(gradient)
    for number in range(1, draws + 1):
        noise = torch.from_numpy(rng.signed(tuple(point.shape[1:]))).to(point)
        mean.lerp_(gradient_at(point + radius * eps * noise), 1 / number)
    return mean - gradient
