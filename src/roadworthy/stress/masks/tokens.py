"""Removed patches are not given to the transformer at all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from roadworthy.stress.masks.base import dropping
from roadworthy.types import Classifier


def _fits(model: Classifier) -> str:
    from roadworthy.stress.masks._tokens import transforms

    if transforms(model):
        return ""
    return (
        "mask 'tokens' leaves out tokens, which takes a vision transformer of timm or torchvision "
        "(timm/vit_…, torchvision/vit_…) in its own frame; give another mask, such as mean"
    )


def _grid(model: Classifier) -> tuple[int, int]:
    from roadworthy.stress.masks._tokens import part_of

    return part_of(model).grid


@dropping(fits=_fits, grid=_grid, paper="Jain et al., ICLR 2022")
def tokens(model: Classifier, x: Tensor) -> Any:
    """Leave patches out of the sequence of tokens: nothing stands in their place.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; a unit is a patch of the transformer. Class and
    register tokens always stay, and a patch that is there keeps the position that it has. To first order
    a patch goes by fading its token out. A network that pools over patches says nothing without
    any: all classes are then alike. Convolutional networks cannot; they react to whatever covers a
    patch. Jain et al., ICLR 2022 ("missingness bias").
    """
    from roadworthy.stress.masks._tokens import tokens_of

    return tokens_of(model, x)
