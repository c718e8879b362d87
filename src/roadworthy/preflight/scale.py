"""From flat colours: the affine map from pixels to the numbers that a pipeline returns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.stages import COLOURS
from roadworthy.preflight.base import Stats
from roadworthy.preflight.layout import Floats

TOLERANCE = 0.02
"""Levels of 255 by which a flat colour may lie off the map, beside what the type of number loses."""

COARSE = 0.65
"""Steps that rounding to whole numbers may move one, and the map fitted to them."""

ROUNDED = {"grey": 1.01}
"""Colour stages that libraries round differently, with what that may move."""


@dataclass(frozen=True)
class Scale:
    """Numbers are ``gain · pixel + offset`` per channel, of pixels in the colours of a stage.

    Gains are per level of 0..255; ``noise`` is what the type of the numbers loses, in levels, and
    ``worst`` how far a flat colour lies off the map.
    """

    colour: str
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    noise: float
    worst: float

    @property
    def mean(self) -> Stats:
        """The mean that is taken off, per output channel, in units of [0, 1]."""
        first, second, third = (-o / g / 255 for g, o in zip(self.gain, self.offset, strict=True))
        return (first, second, third)

    @property
    def std(self) -> Stats:
        """What is divided by, per output channel, in units of [0, 1]."""
        first, second, third = (1 / (255 * g) for g in self.gain)
        return (first, second, third)

    def pixels(self, numbers: Floats) -> Floats:
        """Return numbers (H, W, 3) as pixels in 0..255, unrounded, in the colours of the stage."""
        offset, gain = (np.array(v, np.float32) for v in (self.offset, self.gain))
        pixels: Floats = (numbers - offset) / gain
        return pixels


def scale_of(colours: Floats, numbers: Floats, *, dtype: str) -> Scale | str:
    """Return the map from ``colours`` (N, 3), 0..255 RGB, to ``numbers`` (N, 3); or why there is none.

    Each channel must be an affine function of the same channel after one of the registered colour
    stages, for every one of the colours.
    """
    if not np.isfinite(numbers).all():
        return "flat colours give values that are not finite"
    spread = np.ptp(numbers, axis=0)
    grey = numbers[np.ptp(colours, axis=1) == 0]
    if min(spread.min(), np.ptp(grey, axis=0).max()) <= 1e-6 * max(1.0, np.abs(numbers).max()):
        return "black, grey and white come out alike: each picture is standardised by itself"
    flat = colours.astype(np.uint8)[None]
    tried = {n: _fitted(n, _seen(n, flat), numbers, dtype) for n in ("rgb", "bgr")}
    good = [s for n, s in tried.items() if _fits(s)]
    if not good:
        tried |= {n: _fitted(n, _seen(n, flat), numbers, dtype) for n in COLOURS if n not in tried}
        good = sorted((s for s in tried.values() if _fits(s)), key=lambda s: s.worst)
    if not good:
        return _departure(colours, numbers, min(tried.values(), key=lambda s: s.worst))
    if min(good[0].gain) <= 0:
        return "numbers fall where pixels become brighter: the colours are inverted"
    return good[0]


def _fits(scale: Scale) -> bool:
    return scale.worst <= max(TOLERANCE, ROUNDED.get(scale.colour, 0.0)) + scale.noise


def _seen(colour: str, flat: NDArray[np.uint8]) -> Floats:
    """Return colours (1, N, 3) as a colour stage hands them on, (N, 3): each on a flat picture."""
    stage = COLOURS.get(colour).function
    pictures = [
        stage(np.broadcast_to(flat[:, i : i + 1], (8, 8, 3)).copy()) for i in range(flat.shape[1])
    ]
    return np.array([p[4, 4] for p in pictures], np.float64)


def _fitted(colour: str, seen: Floats, numbers: Floats, dtype: str) -> Scale:
    gain, offset, worst = [], [], 0.0
    for before, after in zip(seen.T, numbers.T, strict=True):
        spread = before - before.mean()
        slope = float(spread @ after / (spread @ spread))
        start = float(after.mean() - slope * before.mean())
        gain.append(slope)
        offset.append(start)
        residual = float(np.abs(after - slope * before - start).max())
        worst = max(worst, residual / max(abs(slope), 1e-12))
    return Scale(colour, tuple(gain), tuple(offset), _noise(numbers, gain, dtype), worst)


def _noise(numbers: Floats, gain: list[float], dtype: str) -> float:
    """Return what rounding to ``dtype`` may move, in levels."""
    least = max(1e-12, min(map(abs, gain)))
    if "float" in dtype:
        eps = 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)
        return eps * float(np.abs(numbers).max()) / least
    whole = max(abs(abs(g) - 1) for g in gain) < 1e-6  # bytes as they are lose nothing
    return 0.0 if whole else COARSE / least


def _departure(colours: Floats, numbers: Floats, best: Scale) -> str:
    said = f"not an affine map of the pixels: flat colours are up to {best.worst:.3g} of 255 levels off"
    for order in permutations(range(3)):
        fit = _fitted("rgb", colours[:, order], numbers, "float64")
        if fit.worst <= TOLERANCE:
            return f"channels come in the order {''.join('rgb'[i] for i in order)}"
    if all(_rises(colours[:, c], numbers[:, c]) for c in range(3)):
        return f"{said}; each channel follows a curve (gamma, tone curve, clipping or fewer levels)"
    design = np.column_stack([colours, np.ones(len(colours))])
    fitted, *_ = np.linalg.lstsq(design, numbers, rcond=None)
    off = np.abs(numbers - design @ fitted).max() / np.abs(fitted[:3]).max()
    if off < 1:
        return f"{said}; channels are mixed: a change of saturation, hue or colour space"
    return said


def _rises(before: Floats, after: Floats) -> bool:
    order = np.argsort(before, kind="stable")
    return bool((np.diff(after[order]) >= -1e-6 * np.ptp(after)).all())
