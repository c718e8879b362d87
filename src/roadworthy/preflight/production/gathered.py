"""Read a set of images once: what their files say, what they look like, and how sure the model is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.forward import finite
from roadworthy.engine.options import cores
from roadworthy.engine.verdict import log_softmax
from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, decode, framed, resized
from roadworthy.pipeline.containers import jpeg
from roadworthy.preflight.judge import BLOCK, Judge
from roadworthy.preflight.production.measures import (
    Measures,
    luma_of,
    measures_of,
    noise_of,
    sharpness_of,
)
from roadworthy.preflight.production.tables import quality_of
from roadworthy.types import Dataset, Image, Sample

WINDOW = 512
"""Pixels a side, in the middle of a picture, on which noise and sharpness of a file are measured."""

SMALLEST = 16
"""Pixels a side of a frame in which there is something to measure."""

CUTS = (224, 64, 32)
"""Pixels a side of what is cut from the middle of a file's picture: sizes that severities are made for."""


@dataclass(frozen=True)
class FileFacts:
    """One file: its picture's size, format, JPEG quality and chroma, noise and sharpness in levels."""

    height: int
    width: int
    format: str
    quality: int | None
    chroma: str
    noise: float
    sharpness: float


@dataclass
class Seen:
    """Measures of pictures, and the first few of these pictures themselves."""

    measures: list[Measures] = field(default_factory=list)
    pictures: list[Image] = field(default_factory=list)

    def add(self, picture: Image, measures: Measures, keep: int) -> None:
        """Add one picture; the first ``keep`` are kept."""
        self.measures.append(measures)
        if len(self.pictures) < keep:
            self.pictures.append(picture)


@dataclass
class Gathered:
    """A set of images: what their files say, measures, and confidence in [0, 1].

    ``frames`` are what the network gets, ``cuts`` the middle of the pictures as they are in the
    files, by its side in pixels. ``contents`` are digests by which the same files are known again, and
    ``failures`` says which files cannot be read, and why. ``broken`` counts answers that are not
    finite, in which there is no confidence.
    """

    spec: str
    asked: int
    facts: list[FileFacts] = field(default_factory=list)
    frames: Seen = field(default_factory=lambda: Seen())
    cuts: dict[int, Seen] = field(default_factory=lambda: defaultdict(Seen))
    confidence: list[float] = field(default_factory=list)
    broken: int = 0
    contents: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    @property
    def confidences(self) -> NDArray[np.float64]:
        """The confidence of all images that are answered, (N,)."""
        return np.array(self.confidence)


def gathered(judge: Judge, dataset: Dataset, samples: Sequence[Sample], *, keep: int) -> Gathered:
    """Read ``samples`` as the model's card says, measure and judge them.

    The first ``keep`` pictures are kept. Raises UsageError where not one can be read.
    """
    found = Gathered(dataset.spec, len(samples))
    pipeline = judge.model.pipeline
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            read = pool.map(lambda s: _read(dataset, s, pipeline), block)
            _add(found, judge, list(zip(block, read, strict=True)), keep)
    if not found.facts:
        raise UsageError(f"no image of '{dataset.spec}' can be read: {found.failures[0]}")
    return found


@dataclass(frozen=True)
class _Read:
    facts: FileFacts
    frame: Image
    cut: Image | None
    measures: tuple[Measures | None, Measures | None]


def _read(dataset: Dataset, sample: Sample, pipeline: Pipeline) -> _Read | str:
    try:
        data = dataset.read(sample)
        pixels = decode(data, pipeline, name=sample.id)
        frame = framed(resized(pixels, pipeline), pipeline)
    except SampleError as error:
        return str(error)
    cut = _cut(pixels)
    large = min(frame.shape[:2]) >= SMALLEST
    measures = measures_of(frame) if large else None, None if cut is None else measures_of(cut)
    return _Read(facts_of(data, pixels), frame, cut, measures)


def _cut(pixels: Image) -> Image | None:
    """Return the middle of a picture, beginning where a block of a JPEG does; None of a tiny one."""
    height, width = pixels.shape[:2]
    side = next((side for side in CUTS if side <= min(height, width)), None)
    if side is None:
        return None
    top, left = (max(0, (length - side) // 2) // 16 * 16 for length in (height, width))
    return pixels[top : top + side, left : left + side]


def facts_of(data: bytes, pixels: Image) -> FileFacts:
    """Return what a file that could be decoded to ``pixels`` (H, W, 3) is like."""
    height, width = pixels.shape[:2]
    top, left = max(0, (height - WINDOW) // 2), max(0, (width - WINDOW) // 2)
    luma = luma_of(pixels[top : top + WINDOW, left : left + WINDOW])
    is_jpeg = data.startswith(jpeg.SIGNATURE)
    large = min(luma.shape) >= 2
    return FileFacts(
        height=height,
        width=width,
        format="JPEG" if is_jpeg else _format(data),
        quality=quality_of(data) if is_jpeg else None,
        chroma=jpeg.chroma(data) if is_jpeg else "",
        noise=noise_of(luma) if large else 0.0,
        sharpness=sharpness_of(luma) if large else 0.0,
    )


def _format(data: bytes) -> str:
    known = {
        b"\x89PNG": "PNG",
        b"RIFF": "WebP",
        b"GIF8": "GIF",
        b"BM": "BMP",
        b"II*\0": "TIFF",
        b"MM\0*": "TIFF",
    }
    return next((name for head, name in known.items() if data.startswith(head)), "other")


def _add(
    found: Gathered,
    judge: Judge,
    block: Sequence[tuple[Sample, _Read | str]],
    keep: int,
) -> None:
    frames: dict[int, Image] = {}
    for i, (sample, read) in enumerate(block):
        if isinstance(read, str):
            found.failures.append(read)
            continue
        frames[i] = read.frame
        found.facts.append(read.facts)
        found.contents.add(sample.content)
        of_frame, of_cut = read.measures
        if of_frame is not None:
            found.frames.add(read.frame, of_frame, keep)
        if read.cut is not None and of_cut is not None:
            found.cuts[len(read.cut)].add(read.cut, of_cut, keep)
    logits = judge.judged({i: frame.astype(np.float32) for i, frame in frames.items()})
    if logits:
        stack = np.stack([logits[i] for i in frames])
        good = finite(stack)
        found.broken += int((~good).sum())
        found.confidence += np.exp(log_softmax(stack[good]).max(axis=1)).tolist()


def medians(facts: Sequence[FileFacts], name: str) -> float | None:
    """Return the median of a number over files that have it, or None."""
    values = list(_known(facts, name))
    return float(np.median(values)) if values else None


def _known(facts: Sequence[FileFacts], name: str) -> Iterator[float]:
    return (value for value in (getattr(each, name) for each in facts) if value is not None)
