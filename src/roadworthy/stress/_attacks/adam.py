"""Adam on a batch in which images come to an end one by one."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Adam:
    """Adam's moments for a batch (N, C, H, W), all images of which begin together.

    Elements are independent, so no image's steps depend on another's. Kingma & Ba, ICLR 2015.
    """

    def __init__(
        self, like: Tensor, *, learning_rate: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self.learning_rate, self.betas = learning_rate, betas
        self._mean, self._square = torch.zeros_like(like), torch.zeros_like(like)
        self._count = 0

    def step(self, gradient: Tensor) -> Tensor:
        """Return what is to be subtracted to descend, given the gradient where we are."""
        (one, two), self._count = self.betas, self._count + 1
        self._mean.lerp_(gradient, 1.0 - one)
        self._square.mul_(two).addcmul_(gradient, gradient, value=1.0 - two)
        scale = self._square.sqrt().div_(math.sqrt(1.0 - two**self._count)).add_(1e-8)
        return (self._mean / scale).mul_(self.learning_rate / (1.0 - one**self._count))

    def keep(self, going: Tensor) -> None:
        """Go on with the images of the mask or indices ``going``."""
        self._mean, self._square = self._mean[going], self._square[going]
