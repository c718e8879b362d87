"""Which resizers are the same filter in other hands, and how far apart different ones are."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from roadworthy.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Family:
    """Resizers that no model can be expected to tell apart, the first of them standing for all.

    On photographs made 1.3 to 2 times smaller two members differ by at most ``mean`` levels of 255 on
    average, and by ``most`` anywhere; None where a pixel may be its neighbour instead.
    """

    key: str
    words: str
    members: tuple[str, ...]
    mean: float = 0.0
    most: int | None = 0


def _gaps(name: str) -> tuple[str, ...]:
    """Return a Pillow filter and what it is with a reducing gap, which acts from 4 times smaller on."""
    return (f"pillow-{name}", *(f"pillow-{name}-reducing-gap-{gap}" for gap in (2, 3)))


FAMILIES = (
    Family(
        "N0",
        "nearest, rounded down",
        ("opencv-nearest", "torch-nearest", "tensorflow-nearest-asymmetric"),
        mean=0.1,
        most=None,
    ),
    Family(
        "N1",
        "nearest to the centre",
        (
            "pillow-nearest",
            "opencv-nearest-exact",
            "torch-nearest-exact",
            "pyvips-nearest",
            "swscale-point",
            "skimage-nearest",
            "tensorflow-nearest",
        ),
        mean=0.1,
        most=None,
    ),
    Family(
        "L0",
        "bilinear, not antialiased",
        (
            "opencv-linear",
            "opencv-linear-exact",
            "torch-bilinear",
            "torchvision-bilinear",
            "skimage-bilinear",
            "tensorflow-bilinear",
        ),
        mean=0.25,
        most=1,
    ),
    Family(
        "L1",
        "bilinear, antialiased",
        (
            *_gaps("bilinear"),
            "torchvision-bilinear-antialias",
            "torch-bilinear-antialias",
            "tensorflow-bilinear-antialias",
            "pyvips-linear",
            "swscale-bilinear",
        ),
        mean=0.3,
        most=10,
    ),
    Family(
        "C0",
        "bicubic with a = -0.75, not antialiased",
        ("opencv-cubic", "torch-bicubic", "torchvision-bicubic"),
        mean=0.25,
        most=32,
    ),
    Family(
        "C1",
        "bicubic with a = -0.5, antialiased",
        (
            *_gaps("bicubic"),
            "torchvision-bicubic-antialias",
            "torch-bicubic-antialias",
            "tensorflow-bicubic-antialias",
            "pyvips-cubic",
            "swscale-bicubic",
        ),
        mean=0.35,
        most=16,
    ),
    Family(
        "Z",
        "Lanczos of 3 lobes, antialiased",
        (*_gaps("lanczos"), "tensorflow-lanczos3-antialias", "swscale-lanczos", "pyvips-lanczos3"),
        mean=0.35,
        most=24,
    ),
    Family(
        "A", "area covered", ("opencv-area", "swscale-area", "tensorflow-area"), mean=0.1, most=1
    ),
    Family(
        "M",
        "Mitchell's cubic, antialiased",
        ("pyvips-mitchell", "tensorflow-mitchellcubic-antialias"),
        mean=0.25,
        most=8,
    ),
    Family(
        "G",
        "Gaussian, antialiased",
        ("swscale-gauss", "tensorflow-gaussian-antialias"),
        mean=0.25,
        most=12,
    ),
    Family("box", "whole pixels averaged, as Pillow chooses them", _gaps("box")),
    Family("hamming", "Hamming's window, antialiased", _gaps("hamming")),
    *(
        Family(name, words, (name,))
        for name, words in {
            "torch-area": "adaptive average pooling",
            "opencv-lanczos4": "Lanczos of 4 lobes, not antialiased",
            "tensorflow-lanczos3": "Lanczos of 3 lobes, not antialiased",
            "tensorflow-lanczos5": "Lanczos of 5 lobes, not antialiased",
            "tensorflow-lanczos5-antialias": "Lanczos of 5 lobes, antialiased",
            "tensorflow-bicubic": "bicubic with a = -0.5, not antialiased",
            "tensorflow-gaussian": "Gaussian, not antialiased",
            "tensorflow-mitchellcubic": "Mitchell's cubic, not antialiased",
            "tensorflow-nearest-align-corners": "nearest, corners aligned",
            "tensorflow-bilinear-asymmetric": "bilinear of TensorFlow 1, half a pixel off",
            "tensorflow-bilinear-align-corners": "bilinear, corners aligned",
            "tensorflow-bicubic-asymmetric": "bicubic of TensorFlow 1, half a pixel off",
            "tensorflow-bicubic-align-corners": "bicubic, corners aligned",
            "skimage-nearest-antialias": "nearest after a Gaussian",
            "skimage-bilinear-antialias": "bilinear after a Gaussian",
            "skimage-bicubic": "interpolating cubic spline",
            "skimage-bicubic-antialias": "interpolating cubic spline after a Gaussian",
            "pyvips-lanczos2": "Lanczos of 2 lobes, antialiased",
            "pyvips-mks2013": "magic kernel sharp of 2013, antialiased",
            "pyvips-mks2021": "magic kernel sharp of 2021, antialiased",
            "swscale-experimental": "swscale's experimental filter",
            "swscale-sinc": "sinc, antialiased",
            "swscale-spline": "swscale's spline, antialiased",
            "swscale-bicublin": "bicubic of brightness, bilinear of colour",
            "swscale-fast-bilinear": "swscale's fast bilinear, not antialiased",
            **{
                f"pillow-{name}-reducing-gap-1": f"{name} of Pillow over averaged pixels"
                for name in ("box", "bilinear", "hamming", "bicubic", "lanczos")
            },
        }.items()
    ),
)


@cache
def _by_resizer() -> dict[str, Family]:
    return {name: family for family in FAMILIES for name in family.members}


def family_of(resizer: str) -> Family:
    """Return the family of a resizer; one of another package is a family of its own."""
    return _by_resizer().get(resizer) or Family(resizer, resizer, (resizer,))


def apart(one: str, other: str) -> float | None:
    """Return by how many levels of 255 two resizers differ on average; 0 in a family, None unknown.

    Measured on 24 photographs of ImageNet with the shorter side made 256, which is 1.3 to 2 times
    smaller, between the first members of their families.
    """
    first, second = family_of(one).key, family_of(other).key
    return 0.0 if first == second else _distances().get((first, second))


def nearest(resizer: str, among: Iterable[str]) -> tuple[str, float]:
    """Return which of ``among`` comes closest to ``resizer``, and by how many levels they differ.

    Of several as close the first. Raises UsageError where no distance is known.
    """
    choices = list(among)
    known = {name: d for name in choices if (d := apart(resizer, name)) is not None}
    if not known:
        near = did_you_mean(resizer, _by_resizer())
        raise UsageError(f"how far '{resizer}' is from {', '.join(choices)} is not known{near}")
    best = min(known, key=lambda name: (name != resizer, known[name]))
    return best, known[best]


@cache
def _distances() -> dict[tuple[str, str], float]:
    file = resources.files("roadworthy.pipeline") / "families.csv"
    header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    return {
        (row[0], key): float(value)
        for row in rows
        for key, value in zip(header[1:], row[1:], strict=True)
    }
