"""Turn a torchvision network and the card of its weights into ours."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torchvision
from timm.data import ImageNetInfo
from torch import nn

from roadworthy.errors import FetchError, RoadworthyError, UsageError, did_you_mean
from roadworthy.models.base import Network
from roadworthy.models.from_timm import UNTRAINED
from roadworthy.models.hub import patient_for_seconds
from roadworthy.models.keys import load_weights
from roadworthy.models.statistics import DEVIATIONS, MEANS
from roadworthy.models.user_code import last_words
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Metadata


def network(name: str, *, checkpoint: str | None = None, pretrained: bool = False) -> Network:
    """Return the torchvision network ``name``; the provider `torchvision` documents the arguments."""
    if checkpoint is not None and pretrained:
        raise UsageError(
            f"torchvision/{name}: give either checkpoint= or pretrained=true, not both"
        )
    known = names()
    if name not in known:
        raise UsageError(
            f"torchvision {torchvision.__version__} has no classifier '{name}'"
            f"{did_you_mean(name, known)}"
        )
    weights = _weights(name)
    module = _create(name, weights if pretrained else None)
    notes: tuple[str, ...] = ()
    metadata = Metadata(family=_family(name), training="in1k" if pretrained else None)
    if checkpoint is not None:
        notes = load_weights(module, Path(checkpoint).expanduser())
    elif not pretrained:
        notes = (f"torchvision/{name}: random weights; give checkpoint=FILE or pretrained=true",)
        metadata = Metadata(family=_family(name), training=UNTRAINED)
    return Network(
        name=f"torchvision/{name}",
        module=module,
        mean=MEANS["imagenet"],
        std=DEVIATIONS["imagenet"],
        pipeline=_pipeline(weights),
        classes=_classes(),
        metadata=metadata,
        notes=notes,
    )


def names() -> list[str]:
    """Return the names of torchvision's image classifiers."""
    found: list[str] = torchvision.models.list_models(module=torchvision.models)
    return found


def _weights(name: str) -> Any:
    """Return the first published weights of a network, those of the original recipe."""
    return next(iter(torchvision.models.get_model_weights(name)))


def _create(name: str, weights: Any) -> nn.Module:
    changes: dict[str, Any] = {}
    builder = torchvision.models.get_model_builder(name)
    if weights is None and "init_weights" in inspect.signature(builder).parameters:
        changes["init_weights"] = False  # the slow one, which warns that it is slow
    try:
        patience = patient_for_seconds() if weights is not None else nullcontext()
        with patience, torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made: nn.Module = builder(weights=weights, **changes)
            return made
    except Exception as error:  # hub clients raise anything from OSError to their own types
        if weights is None:
            raise RoadworthyError(
                f"torchvision/{name} cannot be made: {last_words(error)}"
            ) from None
        raise FetchError(
            f"torchvision/{name}: the published weights could not be fetched ({last_words(error)}); "
            f"check the network connection, or fetch {weights.url} elsewhere and give checkpoint=FILE"
        ) from None


def _family(name: str) -> str:
    return str(torchvision.models.get_model_builder(name).__module__.rpartition(".")[2])


def _pipeline(weights: Any) -> Pipeline:
    """Return what the card of the weights says: shorter side to one size, the middle of another."""
    said = weights.transforms()
    size, resized = int(said.crop_size[0]), int(said.resize_size[0])
    filtering = said.interpolation.value
    return Pipeline(size=(size, size), resize=f"pillow-{filtering}", resize_to=resized)


def _classes() -> Classes:
    info = ImageNetInfo("imagenet-1k")
    names, wnids = tuple(info.label_descriptions()), tuple(info.label_names())
    return Classes(len(wnids), names=names, wnids=wnids)
