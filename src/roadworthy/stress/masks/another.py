"""Removed pixels show another image of the data set."""

from __future__ import annotations

from torch import Tensor

from roadworthy.stress.masks.base import MaskContext, mask


@mask(paper="Chen et al., ICML 2019")
def another(x: Tensor, *, context: MaskContext) -> Tensor:
    """Cover pixels with those of another image, one of another class where there is one.

    ``x`` is a float batch (N, C, H, W) in [0, 1]. What covers looks natural, but says something
    itself: without any of its own pixels an image is another one. Values of features from other
    samples, Chen et al., ICML 2019.
    """
    return context.another().to(x)
