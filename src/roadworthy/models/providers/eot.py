"""A random model judged and attacked by the mean of several draws: expectation over transformation."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def eot(judge: Spec, n: int = 20) -> Classifier:
    """Average ``n`` forward passes of a random ``judge``: ``eot(torch:net.py:noisy, n=20)``.

    Logits are the mean over the draws; attacks climb the mean of the gradients of their loss, with
    new draws at every step. Nothing they see is used to judge what they find, and both are the same
    in every run. Dropout of a network counts as random only with ``stochastic=true``. Athalye et
    al., ICML 2018; 20 draws are those of AutoAttack's version ``rand``. Raises UsageError for an
    ``n`` that means nothing.
    """
    from roadworthy.models.expectation import averaged
    from roadworthy.models.load import load

    return averaged(load(judge), n)
