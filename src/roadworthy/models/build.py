"""From a network as its provider found it to a classifier that is ready to judge."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.base import Network
from roadworthy.models.classifier import GIVES, TorchClassifier, outputs
from roadworthy.models.fingerprint import fingerprint, weights_digest
from roadworthy.models.options import KEEP, Options, with_facts, with_options
from roadworthy.models.prepare import frozen, prepared, stochastic
from roadworthy.models.single import SINGLE, TwoLogits
from roadworthy.models.user_code import last_words
from roadworthy.types import Classes

TRIED = ((32, 32), (224, 224), (64, 64), (299, 299), (384, 384))
"""Frames tried on a network that does not say what it takes."""

BACKGROUND = 1001
"""Outputs of ImageNet networks with a background class before the thousand."""


def build(network: Network, *, spec: str | None = None, options: Options = KEEP) -> TorchClassifier:
    """Return the classifier made of ``network``, whose module must be ours to change.

    Runs the network once to count its outputs; a single one becomes the two logits 0 and itself.
    Raises RoadworthyError if it does not run or does
    not return one row of logits per image, UsageError if an option or the classes do not fit.
    """
    pipeline = with_options(network.pipeline, options)
    module, notes = frozen(network.module), network.notes
    size, count = _dry_run(module, (pipeline.size,) if pipeline.size else TRIED, network.name)
    parameters = sum(p.numel() for p in module.parameters())
    weights = weights_digest(module)
    name = f"{network.name}@{fingerprint(network, weights)}"
    if count == 1:
        module, count, notes = TwoLogits(module), 2, (*notes, SINGLE)
    if not network.sealed:
        module = prepared(module, size, fuse=not network.stochastic)
    if network.stochastic:
        module, name = stochastic(module, network.name), f"{name}+stochastic"
    return TorchClassifier(
        id=name,
        spec=name if spec is None else spec,
        pipeline=pipeline,
        classes=_classes(network, count),
        mean=network.mean,
        std=network.std,
        metadata=with_facts(replace(network.metadata, parameters=parameters), options),
        notes=notes,
        card=network.card,
        weights_digest=weights,
        gives=GIVES if network.gives is None else network.gives,
        sealed=network.sealed,
        module=module,
    )


@torch.inference_mode()
def _dry_run(
    module: nn.Module, sizes: tuple[tuple[int, int], ...], name: str
) -> tuple[tuple[int, int], int]:
    reason = ""
    like = next(module.parameters(), torch.zeros(()))
    for size in sizes:
        try:
            out = outputs(module(torch.full((2, 3, *size), 0.5).to(like)), name)
        except RoadworthyError:
            raise
        except Exception as error:  # user code and torch raise anything
            reason = reason or last_words(error)
            continue
        if out.ndim == 1 and len(out) == 2:
            return size, 1
        if out.ndim != 2 or len(out) != 2:
            raise RoadworthyError(
                f"{name}: for 2 images the network returned a tensor of shape {tuple(out.shape)}, "
                "expected (2, classes): one row of logits per image"
            )
        return size, out.shape[1]
    tried = ", ".join(f"{h}x{w}" for h, w in sizes)
    raise RoadworthyError(
        f"{name}: the network does not run on a frame of {tried}: {reason}; "
        "give the frame it was made for with size="
    )


def _classes(network: Network, count: int) -> Classes:
    if network.classes is None:
        offset = int(count == BACKGROUND) if network.offset is None else network.offset
        if not 0 <= offset < count:
            raise UsageError(f"{network.name}: offset={offset} leaves no class of {count} outputs")
        return Classes(count - offset, offset=offset)
    declared = network.classes.count
    if declared is not None and declared + network.classes.offset != count:
        raise UsageError(
            f"{network.name}: the network has {count} outputs, but its classes are {declared}"
            + (f" after an offset of {network.classes.offset}" if network.classes.offset else "")
        )
    return replace(network.classes, count=count - network.classes.offset)
