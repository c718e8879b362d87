"""What APGD knows of every image on its way: the current iterate, the best, and the latest success."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import torch
from torch import Tensor

from roadworthy.stress._norms.base import expanded

KeptT = TypeVar("KeptT")


def kept(state: KeptT, rows: Tensor) -> KeptT:
    """Return a dataclass of tensors, one entry per image, for the images ``rows`` alone."""
    return type(state)(*(getattr(state, f.name)[rows] for f in fields(state)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ascent:
    """How far APGD has come with each image: iterates (N, C, H, W) in [0, 1], losses (N,).

    ``rises`` (N,) counts the iterates since the last checkpoint whose loss was above that of the one
    before; ``latest`` is the last iterate that reached the goal, where ``reached`` (N,) says so.
    """

    z: Tensor
    before: Tensor
    gradient: Tensor
    loss: Tensor
    best: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    rises: Tensor
    latest: Tensor
    reached: Tensor

    @classmethod
    def begin(cls, z: Tensor, loss: Tensor, gradient: Tensor, reached: Tensor) -> Ascent:
        """Return the ascent at its start."""
        known = torch.where(loss.isnan(), float("-inf"), loss)
        rises = torch.zeros_like(loss, dtype=torch.long)
        return cls(z, z, gradient, loss, z, gradient, known, rises, z, reached)

    def after(self, z: Tensor, loss: Tensor, gradient: Tensor, reached: Tensor) -> Ascent:
        """Return the ascent one iterate later; its gradient is of no use after the last."""
        better = loss > self.best_loss
        mask = expanded(better, z)
        return Ascent(
            z,
            self.z,
            gradient,
            loss,
            torch.where(mask, z, self.best),
            torch.where(mask, gradient, self.best_gradient),
            torch.where(better, loss, self.best_loss),
            self.rises + (loss > self.loss),
            torch.where(expanded(reached, z), z, self.latest) if reached.any() else self.latest,
            self.reached | reached,
        )

    def resumed(self, back: Tensor) -> Ascent:
        """Return the ascent after a checkpoint, the images ``back`` (a mask) at their best iterate."""
        mask = expanded(back, self.z)
        return Ascent(
            torch.where(mask, self.best, self.z),
            self.before,
            torch.where(mask, self.best_gradient, self.gradient),
            self.loss,
            self.best,
            self.best_gradient,
            self.best_loss,
            torch.zeros_like(self.rises),
            self.latest,
            self.reached,
        )

    @property
    def answer(self) -> Tensor:
        """The latest iterate that reached the goal, or that of the highest loss."""
        return torch.where(expanded(self.reached, self.z), self.latest, self.best)
