"""A model that says nothing but the most likely class."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def labels_only(judge: Spec) -> Classifier:
    """Take everything but the label from the answers of ``judge``: ``labels_only(timm/resnet50)``.

    Attacks that need a gradient, logits or probabilities do not run on it. Its logits are 1 for the
    label and 0 for the others, so that no confidences, losses and ranks are recorded of it; where
    ``judge`` gives no finite logits they are NaN. It stands for a service that is asked
    from outside. Raises what loading ``judge`` raises.
    """
    from roadworthy.models.load import load
    from roadworthy.models.silent import silent

    return silent(load(judge), "labels")
