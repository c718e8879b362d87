"""A model whose answer is the majority of its answers under Gaussian noise (randomised smoothing)."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def smoothed(judge: Spec, sigma: float = 0.25, draws: int = 100) -> Classifier:
    """Let ``draws`` noisy copies of each image vote: ``smoothed(timm/resnet50, sigma=0.25)``.

    Noise is Gaussian with the standard deviation ``sigma``, pixels in 0 to 1, added to the frame
    before ``judge`` resizes and normalises it; each noisy copy has one vote. Probabilities are shares
    of votes. It always answers: of equal votes the first class wins, and only ``certify`` abstains.
    The noise belongs to the image, so that the same image gets the same answer; an attack sees other
    noise than the judge. There are no gradients; attack it by queries, or by images made for
    ``judge``. Cohen, Rosenfeld & Kolter, ICML 2019. Raises UsageError for parameters that mean nothing.
    """
    from roadworthy.models.load import load
    from roadworthy.models.smoothing import smoothed_by

    return smoothed_by(load(judge), sigma, draws)
