"""Removed patches are not given to the transformer at all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from roadworthy.stress.masks.base import dropping
from roadworthy.types import Classifier


def _fits(model: Classifier) -> str:
    from roadworthy.stress.masks._tokens import transformer_of

    if transformer_of(model) is None:
        return (
            "mask 'tokens' leaves out tokens, which takes a vision transformer of timm "
            "(timm/vit_…, timm/deit_…); give another mask, such as mean"
        )
    return ""


@dropping(fits=_fits, paper="Jain et al., ICLR 2022")
def tokens(model: Classifier, x: Tensor) -> Any:
    """Leave patches out of the sequence of tokens: nothing stands in their place.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; a unit is a patch of the transformer. Class and
    register tokens always stay, and a patch that is there keeps the position that it has. To first order
    a patch goes by fading its token out. Convolutional networks cannot; they react to whatever
    covers a patch. Jain et al., ICLR 2022 ("missingness bias").
    """
    from roadworthy.stress.masks._tokens import tokens_of

    return tokens_of(model, x)
