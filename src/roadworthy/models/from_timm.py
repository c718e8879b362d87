"""Turn a timm network and its card into ours."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from math import floor
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import ImageNetInfo, infer_imagenet_subset, resolve_model_data_config
from torch import nn

from roadworthy.errors import FetchError, RoadworthyError, UsageError, did_you_mean
from roadworthy.models.base import Network
from roadworthy.models.build import BACKGROUND
from roadworthy.models.hub import patient_for_seconds
from roadworthy.models.keys import load_weights
from roadworthy.models.user_code import last_words
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Metadata

MODES = {"center": "crop", "squash": "squash", "border": "border"}
"""The crop modes of timm's cards and what we call them."""

UNTRAINED = "untrained (random weights)"


def network(
    name: str,
    *,
    checkpoint: str | None = None,
    pretrained: bool = False,
    classes: int | None = None,
) -> Network:
    """Return the timm network ``name``; the provider `timm` documents the arguments."""
    if checkpoint is not None and pretrained:
        raise UsageError(f"timm/{name}: give either checkpoint= or pretrained=true, not both")
    if classes is not None and classes < 1:
        raise UsageError(f"timm/{name}: classes is the number of outputs, 1 or more, not {classes}")
    _check_name(name)
    module = _create(name, pretrained, {} if classes is None else {"num_classes": classes})
    notes: tuple[str, ...] = ()
    metadata = _facts(module)
    if checkpoint is not None:
        notes = load_weights(module, Path(checkpoint).expanduser())
        metadata = replace(metadata, training=None, pretraining=None)
    elif not pretrained:
        notes = (f"timm/{name}: random weights; give checkpoint=FILE or pretrained=true",)
        metadata = replace(metadata, training=UNTRAINED, pretraining=None)
    config = resolve_model_data_config(module)
    if len(config["mean"]) != 3 or config["input_size"][0] != 3:
        raise UsageError(
            f"timm/{name} takes {config['input_size'][0]} channels; only RGB is supported"
        )
    return Network(
        name=f"timm/{name}",
        module=module,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        pipeline=_pipeline(config),
        classes=_classes(module),
        metadata=metadata,
        notes=notes,
    )


def _check_name(name: str) -> None:
    if not name:
        raise UsageError("timm needs the name of a network: timm/resnet50")
    if not timm.is_model(name):
        near = did_you_mean(name.partition(".")[0], timm.list_models())
        raise UsageError(f"timm {timm.__version__} has no network '{name}'{near}")
    base, _, tag = name.partition(".")
    tags = [n.partition(".")[2] for n in timm.list_pretrained(f"{base}.*")]
    if tag and tag not in tags:
        listed = f" (it has {', '.join(tags)})" if tags else " (it has no published weights)"
        raise UsageError(
            f"timm's '{base}' has no weights tagged '{tag}'{did_you_mean(tag, tags)}{listed}"
        )


def _create(name: str, pretrained: bool, changes: dict[str, Any]) -> nn.Module:
    try:
        patience = patient_for_seconds() if pretrained else nullcontext()
        with patience, torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made: nn.Module = timm.create_model(name, pretrained=pretrained, **changes)
            return made
    except Exception as error:  # hub clients raise anything from OSError to their own types
        if not pretrained:
            raise RoadworthyError(f"timm/{name} cannot be made: {last_words(error)}") from None
        raise FetchError(
            f"timm/{name}: the published weights could not be fetched ({last_words(error)}); check "
            "the network connection, or fetch the file elsewhere and give checkpoint=FILE"
        ) from None


def _facts(module: nn.Module) -> Metadata:
    """Read family and training from timm's card: tags are written RECIPE_DATA or RECIPE_X_ft_Y."""
    card: Any = getattr(module, "pretrained_cfg", {})
    tag = str(card.get("tag") or "")
    before = re.search(r"(\w+?)_ft_", tag)
    return Metadata(
        family=type(module).__module__.rpartition(".")[2],
        training=tag or None,
        pretraining=before.group(1).rpartition("_")[2] if before else None,
    )


def _pipeline(config: dict[str, Any]) -> Pipeline:
    filtering, crop = config["interpolation"], float(config["crop_pct"])
    height, width = int(config["input_size"][1]), int(config["input_size"][2])
    made = Pipeline(
        size=(height, width),
        resize=f"pillow-{'bilinear' if filtering == 'random' else filtering}",
        geometry=MODES[config["crop_mode"]],
        crop=crop,
    )
    if made.geometry == "squash" and crop < 1 and height == width:
        return replace(made, resize_to=floor(height / crop))
    if made.geometry == "border":
        red, green, blue = (round(255 * value) for value in config["mean"])
        return replace(made, fill=(red, green, blue))
    return made


def _classes(module: nn.Module) -> Classes | None:
    """Return the ImageNet classes where the number of outputs is one of ImageNet's."""
    count = getattr(module, "num_classes", None)
    offset = int(count == BACKGROUND)
    subset = "imagenet-1k" if offset else infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return None
    info = ImageNetInfo(subset)
    names, wnids = tuple(info.label_descriptions()), tuple(info.label_names())
    return Classes(len(wnids), names=names, wnids=wnids, offset=offset)
