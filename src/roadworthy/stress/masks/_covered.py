"""Images whose removed pixels are covered by something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress.masks.base import Loss
from roadworthy.types import Classifier


class Filling(Protocol):
    """What covers removed pixels, where that depends on the pixels that are kept."""

    def __call__(self, x: Tensor, kept: Tensor) -> Tensor:
        """Return what stands where pixels are removed, of the shape of ``x``."""

    def at(self, rows: Tensor) -> Filling:
        """Return the same of the images ``rows``, indices."""


@dataclass(frozen=True)
class Covered:
    """A batch ``x`` (N, C, H, W) in [0, 1]; where pixels are removed stands ``baseline``."""

    model: Classifier
    x: Tensor
    baseline: Tensor | None
    filling: Filling | None = None

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.x.shape[2], self.x.shape[3]

    @property
    def grid(self) -> tuple[int, int]:
        """Every pixel is a unit."""
        return self.frame

    def at(self, rows: Tensor) -> Covered:
        """Return the images ``rows``, indices, each as often as it is named."""
        model = self.model
        if isinstance(model, Counted):
            model = model.at(rows, images=len(self.x))
        return replace(
            self,
            model=model,
            x=self.x[rows],
            baseline=None if self.baseline is None else self.baseline[rows],
            filling=None if self.filling is None else self.filling.at(rows),
        )

    def images(self, kept: Tensor) -> Tensor:
        """Return the batch with what covers the pixels that are not ``kept`` (N, H, W)."""
        # A choice, not a sum: pixels that are kept are the very same numbers.
        return torch.where(kept[:, None], self.x, self._cover(kept))

    def logits(self, kept: Tensor) -> Tensor:
        """Return logits (N, classes) of what is kept, without a graph."""
        with torch.no_grad():
            logits: Tensor = self.model.logits(self.images(kept))
        return logits

    def effects(self, kept: Tensor, loss: Loss, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the change of the loss along the way from each pixel to its cover."""
        cover = self._cover(kept)
        z = torch.where(kept[:, None], self.x, cover)
        logits, _, gradient = value_and_gradient(self.model, loss, z, classes)
        return logits, (cover - self.x).mul_(gradient).sum(1)

    def view(self, kept: Tensor) -> tuple[Tensor, Classifier]:
        """Return the covered images and the model itself."""
        return self.images(kept), self.model

    def _cover(self, kept: Tensor) -> Tensor:
        if self.filling is not None:
            return self.filling(self.x, kept)
        assert self.baseline is not None
        return self.baseline
