"""Another image of the same data set for each image, the same whatever else is in the run."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from roadworthy.engine.forward import to_input
from roadworthy.engine.plan import Cell, Source
from roadworthy.errors import SampleError
from roadworthy.pipeline.base import run
from roadworthy.seed import digest
from roadworthy.types import Image, Sample

TRIES = 100
"""Images that are looked at before one of the same class will do."""


def another(cell: Cell, samples: Sequence[Sample], *, seed: int, device: str = "cpu") -> Tensor:
    """Return another image for each sample in the cell's frame, (N, C, H, W) in [0, 1].

    Of another class, unless there is none near: samples stand on a circle by a digest of their
    names, and it is the next one after a place that the sample's own name gives. An image that is
    added to the data set so changes the neighbours of hardly any other.
    """
    frames = [_image(cell, sample, seed) for sample in samples]
    found: Tensor = to_input(np.stack(frames), device)
    return found


def _image(cell: Cell, sample: Sample, seed: int) -> Image:
    dataset, unreadable = cell.source.dataset, ""
    for other in _after(cell.source, sample, seed):
        try:
            image = run(dataset.read(other), cell.pipeline, name=other.id)
        except SampleError as error:
            unreadable = str(error)
            continue
        if image.shape[:2] == cell.size:
            return image
    why = f": {unreadable}" if unreadable else ""
    raise SampleError(f'"{sample.id}": there is no other image to take its place{why}')


def _after(source: Source, sample: Sample, seed: int) -> Iterator[Sample]:
    """Yield the samples after the place of ``sample``, those of its own class last."""
    places, ordered = source.circle(seed)
    start = bisect(places, digest(seed, "place", sample.id))
    count = len(ordered)
    near = [ordered[(start + i) % count] for i in range(min(TRIES, count))]
    others = [one for one in near if one.id != sample.id]
    yield from (one for one in others if one.label != sample.label)
    yield from (one for one in others if one.label == sample.label)
