"""How often something worked lately, image by image."""

from __future__ import annotations

import torch
from torch import Tensor


class Recent:
    """The last ``size`` trials of each of ``images`` images; `rate` is NaN until there are so many."""

    def __init__(self, images: int, size: int, device: torch.device) -> None:
        self._worked = torch.zeros((images, size), dtype=torch.bool, device=device)
        self._seen = torch.zeros(images, dtype=torch.long, device=device)

    def add(self, rows: Tensor, worked: Tensor) -> None:
        """Note whether the last trial of each of the images ``rows`` (n,) worked, (n,)."""
        self._worked[rows, self._seen[rows] % self._worked.shape[1]] = worked
        self._seen[rows] += 1

    def rate(self, rows: Tensor) -> Tensor:
        """Return which part of the last trials of the images ``rows`` worked, (n,)."""
        rate = self._worked[rows].float().mean(1)
        return torch.where(self._seen[rows] >= self._worked.shape[1], rate, float("nan"))

    def clear(self, rows: Tensor) -> None:
        """Forget the trials of the images ``rows``."""
        self._seen[rows] = 0
