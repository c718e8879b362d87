"""Nesterov look-ahead (NI): gradients are taken where momentum alone would lead."""

from __future__ import annotations

from torch import Tensor

from roadworthy.stress.parts.base import viewpoint


@viewpoint(norms=("Linf",), paper="Lin et al., ICLR 2020")
def nesterov(z: Tensor, leap: Tensor) -> Tensor:
    """Take gradients at z + step * decay * g, where g is the momentum so far.

    ``z`` and the result are (N, C, H, W); the result may lie outside ball and box. What momentum
    adds up here are gradients divided by the *mean* of their absolute elements, so that the look
    ahead is about as long as a step: divided by their sum it would be a hundred thousandth of one.
    Lin et al., "Nesterov accelerated gradient and scale invariance", ICLR 2020.
    """
    return z + leap
