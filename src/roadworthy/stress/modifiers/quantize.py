"""The classifier with few bits for weights and activations, quantised after training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from roadworthy.models.quantise.settings import Bits, Calibration, settled
from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _check(arguments: Mapping[str, Any]) -> None:
    settled(**arguments)


def _applies(model: Classifier, _size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.quantise.apply import check

    check(model, settled(**arguments))


@modifier(level="bits", check=_check, applies=_applies, paper="Wang et al., SysNoise, MLSys 2023")
def quantize(
    model: Classifier,
    *,
    bits: int = 8,
    weights: Bits = "bits",
    activations: Bits = "bits",
    ends: int | Literal["bits"] = 8,
    per_channel: bool = True,
    calibration: Calibration = "minmax",
    calibration_images: int = 64,
) -> Classifier:
    """Round weights and activations to ``bits`` bits, as the model ``quantized(MODEL, bits)`` does.

    Ranges of activations are calibrated on pictures drawn by the package; for pictures of your own,
    and to attack it, judge that model. Wang et al., SysNoise, MLSys 2023. Raises UsageError for
    settings that mean nothing, InapplicableError where there is nothing to quantise.
    """
    from roadworthy.models.quantise.apply import quantise

    how = settled(
        bits=bits,
        weights=weights,
        activations=activations,
        ends=ends,
        per_channel=per_channel,
        calibration=calibration,
        calibration_images=calibration_images,
    )
    return quantise(model, how)
