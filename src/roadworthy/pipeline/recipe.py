"""The recipe: which stages, with which settings, in a frozen and hashable value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from roadworthy.errors import InapplicableError, UsageError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.colour_stages import (
    ALPHAS,
    CMYKS,
    DEPTHS,
    LIGHTS,
    NO_YUV,
    Alpha,
    Cmyk,
    Depth,
    Light,
    Yuv,
    find_yuv,
)
from roadworthy.pipeline.stages import (
    COLOURS,
    GEOMETRIES,
    ORIENTS,
    PROFILES,
    Colour,
    Decoder,
    Geometry,
    Orient,
    Profile,
    Resizer,
    Stage,
    find_decoder,
    find_resizer,
)

SIDE_MAX = 16_384


@dataclass(frozen=True)
class Pipeline:
    """How a file becomes a frame: one name per stage and the numbers of the geometry.

    ``size`` is the frame (height, width), or None for the picture's own size, untouched. ``orient``
    is ``ignore`` (as the loaders of torchvision and timm do) or ``exif``; ``profile`` says what
    happens to an ICC profile; ``resize`` is ``<family>-<filter>``. ``geometry`` says which part of the
    picture is resized to what, and where the frame lies in it: ``crop`` (shorter side to
    ``resize_to``, or to floor(size / ``crop``), then the centre), ``squash`` (straight to the frame,
    or to ``resize_to`` squared and then the centre), and others, one file each. ``fill`` is the RGB
    colour beyond the picture, None that of the geometry. Nothing is checked here; see ``validate``.
    What most pipelines leave as it is: ``cmyk`` is the formula from inks to RGB, ``depth`` that from 16
    bits of grey to eight, ``alpha`` what becomes of transparency, ``yuv`` the luma and chroma that
    hardware hands over before the resize, ``light`` the light that the resize works in. Wang et al.,
    SysNoise, MLSys 2023, name the stages; docs/design/pipeline.md has their order.
    """

    size: tuple[int, int] | None
    decoder: str = "pillow"
    orient: str = "ignore"
    profile: str = "ignore"
    resize: str = "pillow-bilinear"
    geometry: str = "crop"
    crop: float = 0.875
    resize_to: int | None = None
    colour: str = "rgb"
    fill: tuple[int, int, int] | None = None
    cmyk: str = "pillow"
    depth: str = "high_byte"
    alpha: str = "drop"
    yuv: str = NO_YUV
    light: str = "encoded"

    def __str__(self) -> str:
        changed = [f for f in fields(self) if getattr(self, f.name) != f.default]
        parts = [f"{f.name}={_text(getattr(self, f.name))}" for f in changed]
        return f"pipeline({', '.join(parts)})"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        square = len(value) == 2 and value[0] == value[1]
        return str(value[0] if square else value)
    return "none" if value is None else str(value)


class Stages(NamedTuple):
    """The functions behind the names of a pipeline."""

    decoder: Decoder
    orient: Orient
    profile: Profile
    resizer: Resizer
    kernel: str
    geometry: Geometry
    colour: Colour
    cmyk: Cmyk
    depth: Depth
    alpha: Alpha
    yuv: Yuv | None
    light: Light

    @property
    def layouts(self) -> bool:
        """Whether files with inks, 16 bits or transparency are treated otherwise than by decoders."""
        ways = self.cmyk.name, self.depth.name, self.alpha.name
        return ways != (_USUAL.cmyk, _USUAL.depth, _USUAL.alpha)


_USUAL = Pipeline(None)


@lru_cache(maxsize=256)
def stages_of(pipeline: Pipeline) -> Stages:
    """Check ``pipeline`` and look its stages up; raises UsageError as ``validate`` does.

    A stage whose package is missing raises MissingPackageError, a UsageError that sweeps outlive.
    """
    _check_numbers(pipeline)
    family, kernel = find_resizer(pipeline.resize)
    found = Stages(
        find_decoder(pipeline.decoder),
        ORIENTS.get(pipeline.orient),
        PROFILES.get(pipeline.profile),
        family,
        kernel,
        GEOMETRIES.get(pipeline.geometry),
        COLOURS.get(pipeline.colour),
        CMYKS.get(pipeline.cmyk),
        DEPTHS.get(pipeline.depth),
        ALPHAS.get(pipeline.alpha),
        find_yuv(pipeline.yuv),
        LIGHTS.get(pipeline.light),
    )
    for stage in found:
        if isinstance(stage, Stage):
            require(stage)
    if found.light.name != "encoded":
        _check_floats(found, pipeline)
    return found


def validate(pipeline: Pipeline) -> Pipeline:
    """Return ``pipeline`` if every name is known and every number possible, else raise UsageError.

    The message names the setting, what was expected, and the nearest known name.
    """
    size = pipeline.size
    if size is not None and not (isinstance(size, tuple) and len(size) == 2):
        raise UsageError(f"pipeline: size is (height, width) or none, not {size!r}")
    stages_of(pipeline)
    return pipeline


def _check_numbers(pipeline: Pipeline) -> None:
    for side in pipeline.size or ():
        _check_side("size", side)
    if pipeline.resize_to is not None:
        _check_side("resize_to", pipeline.resize_to)
    if not 0 < pipeline.crop <= 1:
        raise UsageError(
            f"pipeline: crop is the fraction of the picture that is kept, above 0 up to 1, "
            f"not {pipeline.crop}"
        )
    fill = pipeline.fill
    if fill is not None and not (len(fill) == 3 and all(value in range(256) for value in fill)):
        raise UsageError(f"pipeline: fill is an RGB colour, three numbers 0 to 255, not {fill}")


def _check_side(name: str, side: object) -> None:
    if not isinstance(side, int) or not 1 <= side <= SIDE_MAX:
        raise UsageError(
            f"pipeline: {name} is a whole number of pixels, 1 to {SIDE_MAX}, not {side}"
        )


def _check_floats(stages: Stages, pipeline: Pipeline) -> None:
    """Raise InapplicableError unless the resizer takes planes of float32."""
    plane = np.full((4, 4), 0.5, np.float32)
    try:
        small = stages.resizer.function(plane, (2, 2), stages.kernel)
        good = small.dtype == np.float32 and np.allclose(small, 0.5)
    except Exception:  # libraries have exceptions of their own for what they do not take
        good = False
    if not good:
        raise InapplicableError(
            f"pipeline: light={pipeline.light} needs a resizer that takes numbers between 0 and 1, "
            f"such as those of pillow and opencv; {pipeline.resize} takes bytes"
        )
