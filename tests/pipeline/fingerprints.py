"""What one impulse of nine becomes in the second of four pixels: the fingerprint of a resizer.

Every name has a row: printed in a specification, recorded from TensorFlow 2.21, worked out from the
filter's formula, or measured here where a library documents none (`MEASURED` says which).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = NDArray[Any]
Kernel = Callable[[float], float]

INPUTS, OUTPUTS, SECOND = 9, 4, 1
SCALE = INPUTS / OUTPUTS


def row(*values: float) -> Row:
    return np.array(values, np.float64)


def cubic(a: float) -> Kernel:
    def kernel(x: float) -> float:
        if x < 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0

    return kernel


def lanczos(radius: int) -> Kernel:
    return lambda x: float(np.sinc(x) * np.sinc(x / radius)) if x < radius else 0.0


def mitchell(x: float) -> float:
    if x < 1:
        return (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    return (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6 if x < 2 else 0.0


def magic_2013(x: float) -> float:
    if x <= 0.5:
        return 17 / 16 - 7 / 4 * x**2
    if x <= 1.5:
        return (1 - x) * (7 / 4 - x)
    return -((x - 5 / 2) ** 2) / 8 if x < 2.5 else 0.0


def magic_2021(x: float) -> float:
    if x <= 0.5:
        return 577 / 576 - 239 / 144 * x**2
    if x <= 1.5:
        return (140 * x**2 - 379 * x + 239) / 144
    if x <= 2.5:
        return -(24 * x**2 - 113 * x + 130) / 144
    if x <= 3.5:
        return (4 * x**2 - 27 * x + 45) / 144
    return -((2 * x - 9) ** 2) / 1152 if x < 4.5 else 0.0


def hamming(x: float) -> float:
    return float(np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x))) if x < 1 else 0.0


def paired(kernel: Kernel) -> Row:
    """Return the weights of a filter that widens with the scale, over pairs averaged before it."""
    centre, scale = (SECOND + 0.5) * SCALE / 2, SCALE / 2
    groups = np.array([kernel(abs(group + 0.5 - centre) / scale) for group in range(5)])
    weights: Row = np.repeat(groups / groups.sum() / 2, 2)[:INPUTS]
    weights[-1] *= 2  # the last has no partner
    return weights


def widened(kernel: Kernel, *, repeat: bool = False) -> Row:
    """Return the weights of a filter that widens with the scale.

    Beyond the edge is nothing, or with ``repeat`` the edge again, and the sum is made 1.
    """
    centre = (SECOND + 0.5) * SCALE
    weights = np.zeros(INPUTS)
    for index in range(-12, INPUTS + 12):
        if repeat or 0 <= index < INPUTS:
            weights[np.clip(index, 0, INPUTS - 1)] += kernel(abs(index + 0.5 - centre) / SCALE)
    result: Row = weights / weights.sum()
    return result


def blurred(narrow: Row) -> Row:
    """Return what scikit-image's Gaussian makes of the weights of a filter that does not widen.

    Its deviation is half of the scale less one; it is cut off at 4 deviations, rounded, and the
    picture is mirrored at the middle of its edge pixels.
    """
    deviation = (SCALE - 1) / 2
    reach = int(4 * deviation + 0.5)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    bell /= bell.sum()
    weights = np.zeros(INPUTS)
    for index, weight in enumerate(narrow):
        for shift in range(-reach, reach + 1):
            at = abs(index + shift)
            weights[at if at < INPUTS else 2 * INPUTS - 2 - at] += weight * bell[shift + reach]
    return weights


def spline() -> Row:
    """Return the weights of the interpolating cubic B-spline, mirrored at the edge pixels."""

    def basis(x: float) -> float:
        x = abs(x)
        if x < 1:
            return 2 / 3 - x**2 + x**3 / 2
        return (2 - x) ** 3 / 6 if x < 2 else 0.0

    mirror = np.zeros((INPUTS, INPUTS))
    at = np.zeros(INPUTS)
    place = (SECOND + 0.5) * SCALE - 0.5
    for index in range(-3, INPUTS + 3):
        inside = abs(index) if index < INPUTS else 2 * INPUTS - 2 - index
        at[inside] += basis(index - place)
        for output in range(INPUTS):
            mirror[output, inside] += basis(index - output)
    return np.linalg.solve(mirror.T, at)


CENTRE = row(0, 0, 0, 1, 0, 0, 0, 0, 0)
FLOOR = row(0, 0, 1, 0, 0, 0, 0, 0, 0)
BOX = row(0, 0, 0.3333, 0.3333, 0.3333, 0, 0, 0, 0)
AREA = row(0, 0, 0.3333, 0.4444, 0.2222, 0, 0, 0, 0)
LINEAR = row(0, 0, 0.125, 0.875, 0, 0, 0, 0, 0)
TRIANGLE = row(0, 0.0732, 0.2683, 0.4146, 0.2195, 0.0244, 0, 0, 0)
CUBIC = row(0, -0.0103, 0.1147, 0.9673, -0.0718, 0, 0, 0, 0)
KEYS = row(-0.0319, 0.0580, 0.3123, 0.4364, 0.2473, 0.0148, -0.0319, -0.0051, 0)
HAMMING = row(0, 0.0142, 0.2823, 0.5199, 0.1809, 0.0027, 0, 0, 0)
LANCZOS3 = row(-0.0611, 0.0739, 0.3296, 0.4381, 0.2678, 0.0218, -0.0648, -0.0187, 0.0136)
LANCZOS4 = row(0.0135, -0.0439, 0.1285, 0.9725, -0.0947, 0.0342, -0.0101, 0, 0)

PILLOW = {
    "nearest": CENTRE,
    "box": BOX,
    "bilinear": TRIANGLE,
    "hamming": HAMMING,
    "bicubic": KEYS,
    "lanczos": LANCZOS3,
}

ROWS: dict[str, Row] = {
    **{f"pillow-{name}": weights for name, weights in PILLOW.items()},
    # Nine to four leaves no two whole pixels for a gap of 2 or 3.
    **{
        f"pillow-{name}-reducing-gap-{gap}": weights
        for name, weights in PILLOW.items()
        for gap in (2, 3)
        if name != "nearest"
    },
    "pillow-box-reducing-gap-1": paired(lambda x: float(x < 0.5)),
    "pillow-bilinear-reducing-gap-1": paired(lambda x: max(0, 1 - x)),
    "pillow-hamming-reducing-gap-1": paired(hamming),
    "pillow-bicubic-reducing-gap-1": paired(cubic(-0.5)),
    "pillow-lanczos-reducing-gap-1": paired(lanczos(3)),
    "opencv-nearest": FLOOR,
    "opencv-nearest-exact": CENTRE,
    "opencv-linear": LINEAR,
    "opencv-linear-exact": LINEAR,
    "opencv-area": AREA,
    "opencv-cubic": CUBIC,
    "opencv-lanczos4": LANCZOS4,
    "torch-nearest": FLOOR,
    "torch-nearest-exact": CENTRE,
    "torch-area": BOX,
    "torch-bilinear": LINEAR,
    "torch-bilinear-antialias": TRIANGLE,
    "torch-bicubic": CUBIC,
    "torch-bicubic-antialias": KEYS,
    "torchvision-bilinear": LINEAR,
    "torchvision-bilinear-antialias": TRIANGLE,
    "torchvision-bicubic": CUBIC,
    "torchvision-bicubic-antialias": KEYS,
    "skimage-nearest": CENTRE,
    "skimage-nearest-antialias": blurred(CENTRE),
    "skimage-bilinear": LINEAR,
    "skimage-bilinear-antialias": blurred(LINEAR),
    "skimage-bicubic": spline(),
    "skimage-bicubic-antialias": blurred(spline()),
    "pyvips-nearest": CENTRE,
    "pyvips-linear": TRIANGLE,
    "pyvips-cubic": widened(cubic(-0.5), repeat=True),
    "pyvips-mitchell": widened(mitchell, repeat=True),
    "pyvips-lanczos2": widened(lanczos(2), repeat=True),
    "pyvips-lanczos3": widened(lanczos(3), repeat=True),
    "pyvips-mks2013": widened(magic_2013, repeat=True),
    "pyvips-mks2021": widened(magic_2021, repeat=True),
    "swscale-point": CENTRE,
    "swscale-area": AREA,
    "swscale-bilinear": TRIANGLE,
    "swscale-fast-bilinear": TRIANGLE,
    "swscale-bicubic": widened(cubic(-0.6)),
    "swscale-bicublin": widened(cubic(-0.6)),
    "swscale-lanczos": row(-0.059, 0.071, 0.329, 0.435, 0.271, 0.024, -0.059, 0, 0),
    "swscale-gauss": widened(lambda x: 2.0 ** (-3 * x * x)),
    "swscale-experimental": row(0, 0.031, 0.297, 0.445, 0.227, 0, 0, 0, 0),
    "swscale-sinc": row(-0.086, 0.086, 0.344, 0.445, 0.281, 0.023, -0.094, 0, 0),
    "swscale-spline": row(-0.055, 0.070, 0.320, 0.438, 0.266, 0.023, -0.063, 0, 0),
    "tensorflow-nearest": CENTRE,
    "tensorflow-bilinear": LINEAR,
    "tensorflow-bilinear-antialias": TRIANGLE,
    "tensorflow-bicubic": row(0, -0.0068, 0.0908, 0.9639, -0.0479, 0, 0, 0, 0),
    "tensorflow-bicubic-antialias": KEYS,
    "tensorflow-area": AREA,
    "tensorflow-lanczos3": row(0.0018, -0.0306, 0.1207, 0.9726, -0.085, 0.0205, 0, 0, 0),
    "tensorflow-lanczos3-antialias": LANCZOS3,
    "tensorflow-lanczos5": row(
        0.0226, -0.0506, 0.1313, 0.9662, -0.0987, 0.0414, -0.0182, 0.0059, 0
    ),
    "tensorflow-lanczos5-antialias": row(
        -0.0755, 0.0805, 0.3362, 0.4391, 0.2764, 0.0243, -0.0835, -0.0304, 0.0327
    ),
    "tensorflow-gaussian": row(0, 0, 0.1710, 0.7662, 0.0629, 0, 0, 0, 0),
    "tensorflow-gaussian-antialias": row(
        0.0136, 0.0885, 0.2624, 0.3529, 0.2154, 0.0596, 0.0075, 0, 0
    ),
    "tensorflow-mitchellcubic": row(0, -0.0044, 0.1392, 0.8599, 0.0053, 0, 0, 0, 0),
    "tensorflow-mitchellcubic-antialias": row(
        -0.0121, 0.0773, 0.2892, 0.3898, 0.2361, 0.0387, -0.0158, -0.0033, 0
    ),
    "tensorflow-nearest-asymmetric": FLOOR,
    "tensorflow-nearest-align-corners": CENTRE,
    "tensorflow-bilinear-asymmetric": row(0, 0, 0.75, 0.25, 0, 0, 0, 0, 0),
    "tensorflow-bilinear-align-corners": row(0, 0, 0.3333, 0.6667, 0, 0, 0, 0, 0),
    "tensorflow-bicubic-asymmetric": row(0, -0.1055, 0.8789, 0.2617, -0.0352, 0, 0, 0, 0),
    "tensorflow-bicubic-align-corners": row(0, -0.0555, 0.3699, 0.7966, -0.1111, 0, 0, 0, 0),
}

MEASURED = {f"swscale-{name}" for name in ("experimental", "sinc", "spline", "lanczos")}
"""Rows read off the library: how it cuts off small weights, or the formula itself, is undocumented."""
