"""Removed pixels have the mean colour: what the model's normalisation makes 0."""

from __future__ import annotations

from torch import Tensor

from roadworthy.stress.masks.base import MaskContext, mask


@mask(paper="Carter et al., NeurIPS 2021")
def mean(x: Tensor, *, context: MaskContext) -> Tensor:
    """Cover pixels with the colour that is 0 after the model has normalised it.

    ``x`` is a float batch (N, C, H, W) in [0, 1]. A model that normalises for itself, or not at all,
    says no mean; its mean is then black. Carter, Jain, Mueller & Gifford, NeurIPS 2021.
    """
    colour = context.mean.to(x).view(1, -1, 1, 1)
    return colour.expand_as(x)
