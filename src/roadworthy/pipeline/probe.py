"""What a pipeline does to fixed charts: a fingerprint that upgrades of codecs cannot slip past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import resources

import numpy as np

from roadworthy.errors import SampleError
from roadworthy.pipeline.recipe import Pipeline, stages_of
from roadworthy.pipeline.steps import decode, framed, resized
from roadworthy.seed import digest
from roadworthy.types import Image

_INNER = {"inner": 0.875}
"""Part of each side that a geometry keeps, as the hash has always said it."""


@cache
def probe_hash(pipeline: Pipeline) -> str:
    """Return a BLAKE2b hex digest of what ``pipeline`` does to fixed charts, and of stage versions.

    The encoded charts (JPEG with every chroma layout, progressive, grey, CMYK, turned and with a
    profile; PNG, GIF and WebP) are hashed as decoded, other charts of many sizes as framed. The
    name of the decoder plays no part, so decoders that agree bit for bit collapse; all other names
    do, since a resizer may differ only at sizes that no chart has. An upgrade that moves one pixel
    changes the digest. Raises UsageError for an unknown stage.
    """
    stages = stages_of(pipeline)
    parts: list[object] = ["probe", 1, stages.decoder.version]
    for stage in (stages.orient, stages.profile, stages.colour):
        parts += [stage.name, stage.version]
    parts += [*_charts_decoded(decoding(pipeline)), *_more_decoded(decoding(pipeline))]
    if pipeline.size is not None:
        parts += [stages.resizer.name, stages.kernel, stages.resizer.version]
        parts += [stages.geometry.name, stages.geometry.version, stages.geometry.fill]
        parts += [_INNER.get(stages.geometry.name, 1.0)]
        parts += [pipeline.size, pipeline.crop, pipeline.resize_to]
        parts += [] if pipeline.fill is None else [pipeline.fill]
    parts += _added(pipeline, (*DECODED, *RESIZED))
    parts += [framed(resized(chart, pipeline), pipeline).tobytes() for chart in _sizes(pipeline)]
    return digest(*parts)


@cache
def decode_hash(pipeline: Pipeline) -> str:
    """Return a digest of the pixels that ``pipeline`` decodes, before any resize.

    Pipelines that share it can share what was decoded; see `probe_hash`.
    """
    stages = stages_of(pipeline)
    named = [(stage.name, stage.version) for stage in (stages.orient, stages.profile)]
    files = [*_charts_decoded(decoding(pipeline)), *_more_decoded(decoding(pipeline))]
    return digest("decode", stages.decoder.version, named, *_added(pipeline, DECODED), *files)


def decoding(pipeline: Pipeline) -> Pipeline:
    """Return ``pipeline`` without all that comes after the picture is decoded."""
    given = {name: getattr(pipeline, name) for name in ("decoder", "orient", "profile", *DECODED)}
    return Pipeline(None, **given)


def unpacking(pipeline: Pipeline) -> Pipeline:
    """Return ``pipeline`` without all that comes after the bytes have become a picture."""
    return replace(decoding(pipeline), orient="ignore", profile="ignore")


DECODED, RESIZED = ("cmyk", "depth", "alpha"), ("yuv", "light")
"""Stages that came later than the hash."""


def _added(pipeline: Pipeline, fields: tuple[str, ...]) -> list[object]:
    """Return what stages add to the hash: nothing where unused, so that earlier records stay valid."""
    stages, usual = stages_of(pipeline), Pipeline(None)
    used = [name for name in fields if getattr(pipeline, name) != getattr(usual, name)]
    return [(name, getattr(pipeline, name), getattr(stages, name).version) for name in used]


def charts(kind: str = "chart") -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the encoded charts that come with the package.

    Those of the kind ``even`` have even sides, for which some libraries have a fast way of their own.
    """
    folder = resources.files("roadworthy.pipeline") / "charts"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.startswith(f"{kind}_"):
            yield entry.name, entry.read_bytes()


@cache
def _charts_decoded(pipeline: Pipeline) -> tuple[str, ...]:
    return tuple(_decoded(data, pipeline) for _, data in charts())


@cache
def _more_decoded(pipeline: Pipeline) -> tuple[str, ...]:
    """Return what is decoded of later charts where it is not what Pillow decodes of them.

    So the hash of whatever decodes as Pillow does is the same as before there were these charts.
    """
    if pipeline.decoder == "pillow":
        return ()
    ours, usual = (
        tuple(_decoded(data, one) for _, data in charts("even"))
        for one in (pipeline, replace(pipeline, decoder="pillow"))
    )
    return () if ours == usual else ours


def _decoded(data: bytes, pipeline: Pipeline) -> str:
    try:
        image = decode(data, pipeline, name="chart")
    except SampleError:
        return "refused"  # a codec that this installation lacks is a difference too
    return digest(image.shape, image.tobytes())


def _sizes(pipeline: Pipeline) -> Iterator[Image]:
    height, width = pipeline.size or (32, 32)
    yield pattern(height, width)
    yield pattern(height // 3 + 5, width // 2 + 3)
    yield pattern(height * 5 // 3 + 2, width * 9 // 4 + 1)
    yield pattern(height * 3 + 7, width * 2 - 1)


def pattern(height: int, width: int) -> Image:
    """Return a fixed picture, uint8 (H, W, 3): ramps, checks and hashed noise, no floats."""
    y, x, c = np.ogrid[0:height, 0:width, 0:3]
    ramp = (x * 255 // max(1, width - 1) + c * y * 127 // max(1, height - 1)) % 256
    checks = 255 * ((x // 3 + y // 3 + c) % 2)
    noise = ((x * 73_856_093) ^ (y * 19_349_663) ^ (c * 83_492_791)) * 2_654_435_761 >> 13 & 255
    band = (x * 3 // width + y * 3 // height) % 3
    result: Image = np.choose(band, (ramp, checks, noise)).astype(np.uint8)
    return result
