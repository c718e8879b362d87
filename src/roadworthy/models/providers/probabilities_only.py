"""A model that says probabilities, but neither logits nor gradients."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def probabilities_only(judge: Spec) -> Classifier:
    """Take everything but the probabilities from ``judge``: ``probabilities_only(timm/resnet50)``.

    Attacks that need a gradient or logits do not run on it. Its logits are the logarithms of the
    probabilities in the precision of ``judge``: of a class whose probability underflows nobody learns
    by how much. Where ``judge`` gives no finite logits they are NaN. Raises what
    loading ``judge`` raises.
    """
    from roadworthy.models.load import load
    from roadworthy.models.silent import silent

    return silent(load(judge), "probabilities")
