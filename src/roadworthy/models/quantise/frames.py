"""The frames that calibrate a network's activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roadworthy.errors import SampleError, UsageError
from roadworthy.models.quantise.pictures import leaves
from roadworthy.pipeline.base import Pipeline, framed, resized, run
from roadworthy.types import Dataset, Image


def calibration_frames(pipeline: Pipeline, count: int, data: Dataset | None) -> Image:
    """Return up to ``count`` frames as ``pipeline`` makes them, uint8 (N, H, W, 3).

    They are of the pictures of the package, or the first of ``data`` in the order of a run with seed
    0, without those that cannot be read or have another size than the first. Raises UsageError
    where there are none.
    """
    made = _drawn(pipeline, count) if data is None else _read(pipeline, count, data)
    frames: list[Image] = []
    for frame in made:
        if not frames or frame.shape == frames[0].shape:
            frames.append(frame)
    if not frames:
        raise UsageError(
            f"no image of '{data and data.spec}' can be read: there is nothing to calibrate on"
        )
    return np.stack(frames)


def _drawn(pipeline: Pipeline, count: int) -> Iterator[Image]:
    for picture in leaves(count):
        yield framed(resized(picture, pipeline), pipeline)


def _read(pipeline: Pipeline, count: int, data: Dataset) -> Iterator[Image]:
    from roadworthy.data.order import order

    for sample in order(data.samples, seed=0)[:count]:
        try:
            yield run(data.read(sample), pipeline, name=sample.id)
        except SampleError:
            continue
