"""A network quantised after training."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from roadworthy.errors import InapplicableError
from roadworthy.models.classifier import TorchClassifier, outputs
from roadworthy.models.fuse import spoilt_like
from roadworthy.models.quantise.aside import computed_aside
from roadworthy.models.quantise.frames import calibration_frames
from roadworthy.models.quantise.grid import affine, rounded_weight
from roadworthy.models.quantise.layers import Rounding, layers, replace_weights
from roadworthy.models.quantise.observe import observed
from roadworthy.models.quantise.ranges import RULES, Seen
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.seed import digest
from roadworthy.types import Dataset, Image


def quantised(
    model: TorchClassifier, how: Quantisation, *, data: Dataset | None = None
) -> TorchClassifier:
    """Return ``model`` with the weights and inputs of its layers on grids of few levels.

    The network is as it is judged, batch norms folded into convolutions. Ranges of activations are
    those of the float network on calibration frames. The first and the last layer that are called
    have at least ``how.ends`` bits. What is already quantised so is returned as it is. Raises
    InapplicableError as `check_quantisable` does, UsageError where no image of ``data`` can be read and
    RoadworthyError where calibration meets numbers that are not finite.
    """
    check_quantisable(model, how, calibrated=data is not None)
    if model.quantisation == how:
        return model
    network = copy.deepcopy(model.module)
    frames = calibration_frames(model.pipeline, how.images, data)
    watched, x = replace(model, module=network), _batch(frames, network)
    seen = observed(watched, x, keep=how.calibration != "minmax")
    aside = computed_aside(watched, x[:1])
    _quantise(network, seen, how)
    covered = digest(model.id, how, frames.shape, frames.tobytes(), size=8)
    return replace(
        model,
        id=f"{model.id}+quantized-{how.name}@{covered}",
        module=Spoiling(network),
        notes=(*model.notes, *_notes(aside)),
        quantisation=how,
    )


def check_quantisable(model: TorchClassifier, how: Quantisation, *, calibrated: bool) -> None:
    """Raise InapplicableError where ``model`` is quantised otherwise, or there is no way to do it."""
    if model.quantisation not in (None, how):
        raise InapplicableError(
            f"{model.id} is quantised already, to {model.quantisation.name} bits; quantise the float "
            "model instead"
        )
    if not layers(model.module):
        raise InapplicableError(
            f"{model.id} has no convolution or linear layer that can be quantised"
        )
    if model.pipeline.size is None and not calibrated:
        raise InapplicableError(
            f"how large the frames of {model.id} are is not known, so that nothing can be drawn to "
            "calibrate it on; give the model its size=, or judge quantized(MODEL, calibration_data=…)"
        )


class Spoiling(nn.Module):
    """A network whose logits of an image that is not finite are NaN, which a grid would hide."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of ``x``."""
        return spoilt_like(outputs(self.network(x), "network"), x)


def _batch(frames: Image, network: nn.Module) -> Tensor:
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    return torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float() / 255.0


def _quantise(network: nn.Module, seen: dict[str, Seen], how: Quantisation) -> None:
    called, rule = list(seen), RULES[how.calibration]
    outer = {*called[:1], *called[-1:]}
    for name, part in layers(network).items():
        least = how.ends if name in outer else 0
        if how.weights is not None:
            replace_weights(part, partial(_rounded, bits=max(how.weights, least), how=how))
        if how.activations is not None and name in seen:
            bits = max(how.activations, least)
            grid = affine(*rule(seen[name], bits), bits)
            part.register_forward_pre_hook(Rounding(grid), with_kwargs=True)


def _rounded(weight: Tensor, *, bits: int, how: Quantisation) -> Tensor:
    search = how.calibration == "mse"
    return rounded_weight(weight, bits, per_channel=how.per_channel, search=search)


def _notes(aside: Counter[str]) -> list[str]:
    if not aside:
        return []
    listed = ", ".join(f"{name} {count} times" for name, count in aside.items())
    return [
        f"quantized: the network computes {listed} without calling a layer that can be quantised: "
        "what enters there stays in float, and so do weights that belong to no such layer"
    ]
