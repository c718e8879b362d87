"""How a network is quantised; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roadworthy.errors import UsageError

Bits = int | Literal["bits", "float"]
"""A number of bits of its own, as many as everything else, or none taken."""

Calibration = Literal["minmax", "percentile", "mse"]

FEWEST, MOST, FULL = 2, 16, 8
MOST_IMAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Bits of weights and of activations, None for float32, and how their ranges are found.

    ``ends`` is how many bits the first and the last layer have at least. ``images`` is how many
    pictures calibrate the activations.
    """

    weights: int | None
    activations: int | None
    ends: int
    per_channel: bool = True
    calibration: Calibration = "minmax"
    images: int = 64

    @property
    def name(self) -> str:
        """Bits of weights and activations, such as ``8`` or ``w4a8``."""
        if self.weights == self.activations:
            return str(self.weights)
        return f"w{self.weights or 'float'}a{self.activations or 'float'}"

    def given(self) -> list[str]:
        """Return bits and calibration as everyone writes them in a spec: without defaults."""
        bits = [] if self.weights == FULL else [f"bits={self.weights}"]
        return bits + ([] if self.calibration == "minmax" else [f"calibration={self.calibration}"])


def settled(
    *,
    bits: int = 8,
    weights: Bits = "bits",
    activations: Bits = "bits",
    ends: int | Literal["bits"] = 8,
    per_channel: bool = True,
    calibration: Calibration = "minmax",
    calibration_images: int = 64,
) -> Quantisation:
    """Return the settings that a user's words mean; raises UsageError for those that mean nothing."""
    found = {"weights": _of(weights, bits), "activations": _of(activations, bits)}
    for name, value in {"bits": bits, **found, "ends": bits if ends == "bits" else ends}.items():
        if value is not None and not FEWEST <= value <= MOST:
            raise UsageError(f"{name} is a number of bits, {FEWEST} to {MOST}, not {value}")
    if found == {"weights": None, "activations": None}:
        raise UsageError("weights=float and activations=float leave nothing to quantise")
    if not 1 <= calibration_images <= MOST_IMAGES:
        raise UsageError(
            f"calibration_images is a number of pictures, 1 to {MOST_IMAGES}, not "
            f"{calibration_images}"
        )
    return Quantisation(
        **found,
        ends=FEWEST if ends == "bits" else ends,
        per_channel=per_channel,
        calibration=calibration,
        images=calibration_images,
    )


def _of(given: Bits, bits: int) -> int | None:
    if given == "float":
        return None
    return bits if given == "bits" else given
