"""Several models that judge as one, by their mean logits or mean probabilities."""

from __future__ import annotations

from typing import Literal

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def ensemble(
    members: tuple[Spec, ...], *, combine: Literal["logits", "probabilities"] = "logits"
) -> Classifier:
    """Average ``members``: ``ensemble(timm/a, timm/b)``.

    ``combine=logits`` averages logits, ``probabilities`` returns the log of the mean probability.
    All members see the same frame, the first one's, and each resizes and normalises for itself;
    it gives what all of them give. Raises UsageError where their classes differ.
    """
    from roadworthy.models.combine import combined
    from roadworthy.models.load import load

    return combined(tuple(load(member) for member in members), combine)
