"""A model behind a preprocessing without gradient, which attacks take for the identity (BPDA)."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def bpda(judge: Spec, stress: Spec | None = None) -> Classifier:
    """Put ``stress`` in front of ``judge``: ``bpda(timm/resnet50, jpeg_compression(quality=75))``.

    Every input is rounded to 8 bits and changed by the stress, a corruption that draws no random
    numbers, before ``judge`` sees it; without a stress it is only rounded. That has no gradient:
    attacks get the one of ``judge`` at the changed input (Athalye, Carlini & Wagner, ICML 2018).
    Raises UsageError for a stress of another kind or with several variants.
    """
    from roadworthy.models.defence import defended
    from roadworthy.models.load import load

    return defended(load(judge), stress)
