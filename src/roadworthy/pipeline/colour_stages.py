"""Stages about colour and containers, which most pipelines leave as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial, update_wrapper
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.pipeline.stages import Stage, place, stage
from roadworthy.pipeline.yuv import MATRICES, RANGES, Coding, through
from roadworthy.registry import Registry

Inks = NDArray[np.uint8]
"""Cyan, magenta, yellow and black, uint8 (H, W, 4); 255 is all ink."""

Deep = NDArray[np.uint16]
"""Grey in 16 bits, (H, W)."""

Opacity = NDArray[np.uint8]
"""How much of a picture covers what is behind it, uint8 (H, W); 0 is clear."""

Resize = Callable[..., Any]
"""``f(image, size)``: a resizer with its filter, on uint8 (H, W, 3) or one float32 plane (H, W)."""


@dataclass(frozen=True, kw_only=True)
class Cmyk(Stage):
    """``f(inks: Inks, icc: bytes) -> Image``."""


@dataclass(frozen=True, kw_only=True)
class Depth(Stage):
    """``f(grey: Deep) -> uint8 (H, W)``."""


@dataclass(frozen=True, kw_only=True)
class Alpha(Stage):
    """``f(image, opacity: Opacity) -> Image``."""


@dataclass(frozen=True, kw_only=True)
class Yuv(Stage):
    """``f(chroma) -> chroma``, uint8 (H, W, 2): what is left of it after being kept in a layout.

    Pictures come in bands of `roadworthy.pipeline.yuv.BAND` rows.
    """


@dataclass(frozen=True, kw_only=True)
class Light(Stage):
    """``f(image, size, resize: Resize) -> Image``: the resize, in whatever light it works."""


def cmyk(function: Callable[..., Any]) -> Cmyk:
    """Register ``f(inks, icc) -> Image``."""
    return stage(Cmyk, function)


def depth(function: Callable[..., Any]) -> Depth:
    """Register ``f(grey) -> uint8 (H, W)``."""
    return stage(Depth, function)


def alpha(function: Callable[..., Any]) -> Alpha:
    """Register ``f(image, opacity) -> Image``."""
    return stage(Alpha, function)


def layout(function: Callable[..., Any]) -> Yuv:
    """Register ``f(chroma) -> chroma``; its names are ``<function>-<matrix>-<range>``."""
    return stage(Yuv, function)


def light(function: Callable[..., Any]) -> Light:
    """Register ``f(image, size, resize) -> Image``."""
    return stage(Light, function)


CMYKS = Registry("cmyk formula", Cmyk, **place("cmyks"))
DEPTHS = Registry("depth", Depth, **place("depths"))
ALPHAS = Registry("alpha", Alpha, **place("alphas"))
YUVS = Registry("yuv layout", Yuv, **place("yuvs"))
LIGHTS = Registry("light", Light, **place("lights"))

NO_YUV = "none"


def yuv_names() -> tuple[str, ...]:
    """Return every ``<layout>-<matrix>-<range>``, read as it was written."""
    return tuple(f"{layout}-{coding}" for layout in YUVS for coding in codings())


def codings() -> tuple[str, ...]:
    """Return every ``<matrix>-<range>``."""
    return tuple(f"{matrix}-{span}" for matrix in MATRICES for span in RANGES)


@cache
def find_yuv(name: str) -> Yuv | None:
    """Return ``<layout>-<matrix>-<range>[-as-<matrix>-<range>]`` as ``f(image) -> Image``.

    What stands behind ``-as-`` is how the reader takes it, by default as it was written. None for
    ``none``; UsageError for a name that is not known.
    """
    if name == NO_YUV:
        return None
    written, _, read = name.partition("-as-")
    kept, _, coding = written.partition("-")
    if kept not in YUVS or coding not in codings() or (read or coding) not in codings():
        known = [NO_YUV, *yuv_names()]
        raise UsageError(
            f"no yuv is called '{name}'{did_you_mean(name, known)} (known: {', '.join(known)}, and "
            f"each with -as-MATRIX-RANGE behind it)"
        )
    found = YUVS.get(kept)
    way = partial(
        through, layout=found.function, written=_coding(coding), read=_coding(read or coding)
    )
    return replace(found, name=name, function=update_wrapper(way, found.function))


def _coding(name: str) -> Coding:
    matrix, _, span = name.partition("-")
    return Coding(matrix, span)
