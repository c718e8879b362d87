"""A model that sees only a random part of the pixels of each image (input dropout)."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def input_dropout(judge: Spec, keep: float = 0.8, samples: int = 1) -> Classifier:
    """Show ``judge`` each pixel with probability ``keep``: ``input_dropout(timm/resnet50, samples=8)``.

    All channels of a pixel go together and look like the mean colour of the normalisation; nothing
    is rescaled, and logits are the mean over ``samples`` draws. Meant for networks that were trained
    so, as a cure for overinterpretation. The draws belong to the image, so that it gets the same
    answer every time; an attack sees other draws than the judge. Carter, Jain, Mueller & Gifford,
    NeurIPS 2021, with keep = 0.8. Raises UsageError for parameters that mean nothing.
    """
    from roadworthy.models.dropout import input_dropped
    from roadworthy.models.load import load

    return input_dropped(load(judge), keep, samples)
