"""Gradients through what has none: backward pass differentiable approximation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError


@dataclass(frozen=True)
class Bpda:
    """A function of tensors that computes ``forward`` and has the gradient of ``backward``."""

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor], Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``forward(x)``, bit for bit; raises RoadworthyError if shapes do not agree."""
        with torch.no_grad():
            result = self.forward(x.detach())
        if not (torch.is_grad_enabled() and x.requires_grad):
            return result
        stand_in = x if self.backward is None else self.backward(x)
        if result.shape != stand_in.shape:
            hint = "" if self.backward else "; give bpda a backward that maps to its shape"
            raise RoadworthyError(
                f"bpda: forward returned shape {tuple(result.shape)}, but its gradient is that of "
                f"something of shape {tuple(stand_in.shape)}{hint}"
            )
        made: Tensor = _Replaced.apply(stand_in, result)
        return made


class _Replaced(torch.autograd.Function):
    """Has the value of one tensor and the gradient of another."""

    @staticmethod
    def forward(_context: Any, stand_in: Tensor, value: Tensor) -> Tensor:
        return value.to(stand_in.dtype, copy=True)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def bpda(
    forward: Callable[[Tensor], Tensor], backward: Callable[[Tensor], Tensor] | None = None
) -> Bpda:
    """Return a function that computes ``forward`` and whose gradient is that of ``backward``.

    For the parts of a defence that have no gradient, such as ``rw.bpda(quantise)(x)`` inside a
    module. ``forward`` runs without a graph. ``backward`` approximates it differentiably and gives
    the same shape; by default it is the identity, so that gradients go straight through. Athalye,
    Carlini & Wagner, ICML 2018. Calling the result raises RoadworthyError where shapes disagree.
    """
    return Bpda(forward, backward)
