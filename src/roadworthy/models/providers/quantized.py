"""A network with few bits for its weights and activations, quantised after training."""

from __future__ import annotations

from typing import Literal

from roadworthy.models.base import model
from roadworthy.models.quantise.settings import Bits, Calibration
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def quantized(
    judge: Spec,
    bits: int = 8,
    *,
    weights: Bits = "bits",
    activations: Bits = "bits",
    ends: int | Literal["bits"] = 8,
    per_channel: bool = True,
    calibration: Calibration = "minmax",
    calibration_images: int = 64,
    calibration_data: Spec | None = None,
) -> Classifier:
    """Round weights and activations of ``judge`` to ``bits`` bits: ``quantized(timm/resnet50, 8)``.

    q = clip(round(x / s) + z, -2^(bits-1), 2^(bits-1) - 1), x' = s (q - z), in float arithmetic, with
    nothing trained afterwards, for the weights of every convolution and linear layer (symmetric, a
    scale for each output channel or, without ``per_channel``, one for all) and for what enters these
    layers (one scale and zero point each). ``weights`` and ``activations`` have other ``bits``, or
    stay ``float``; the first and the last layer have at least ``ends``. Ranges of activations are
    their ``minmax``, the 99.99th ``percentile`` at either end, or those with the least ``mse``, which
    also chooses scales of weights, on ``calibration_images`` pictures drawn by the package or on the
    first of ``calibration_data``. Gradients go straight through inside the ranges. Wang et al.,
    SysNoise, MLSys 2023; Xiao et al., RobustMQ, 2023. Raises UsageError for settings that mean
    nothing, and where there is no layer to quantise.
    """
    from roadworthy.data.registry import open_data
    from roadworthy.models.load import load
    from roadworthy.models.modified import modified
    from roadworthy.models.quantise.apply import quantise
    from roadworthy.models.quantise.settings import settled

    how = settled(
        bits=bits,
        weights=weights,
        activations=activations,
        ends=ends,
        per_channel=per_channel,
        calibration=calibration,
        calibration_images=calibration_images,
    )
    data = None if calibration_data is None else open_data(calibration_data)
    return modified(quantise(load(judge), how, data=data), f"quantized/{how.name}")
