"""Consecutive samples under all variants in one file, until the arrays are put together."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError, SampleError
from roadworthy.making.request import Variant
from roadworthy.making.worker import Kitchen, Result, Worker, key_of
from roadworthy.seed import digest
from roadworthy.types import Sample

CHUNK_BYTES = 64 << 20
CHUNK_SAMPLES = 128
PARTS = ".parts"


@dataclass(frozen=True)
class Chunk:
    """Consecutive samples, made under all variants and kept as one file until all are there."""

    samples: Sequence[Sample]
    file: str
    shape: tuple[int, ...]  # of what one sample gives


class Chunks:
    """Does chunks; a sample that fails under any variant is left out under all."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def do(self, chunk: Chunk) -> Result:
        """Make one chunk unless it is there and whole."""
        result = Result()
        path = self.worker.folder / chunk.file
        if members(path) is not None:
            return result
        made: list[dict[str, NDArray[Any]]] = []
        rows = []
        for row, sample in enumerate(chunk.samples):
            try:
                made.append(self._of(sample, chunk.shape))
                rows.append(row)
            except (SampleError, ValueError, MemoryError, ArithmeticError) as error:
                result.failures[sample.id] = str(error)
        if result.failures:
            path = path.with_suffix(".partial")  # made anew next time: the file may be repaired
        arrays = {
            name: np.stack([of[name] for of in made]) if made else none
            for name, none in self._none(chunk.shape).items()
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, rows=np.array(rows, np.int64), **arrays)
        write_whole(path, buffer.getvalue())
        return result

    def _none(self, shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """Return the arrays of no sample: pictures of each variant, and masks of those that have them."""
        found: dict[str, NDArray[Any]] = {}
        for index, variant in enumerate(self.worker.variants):
            found[pictures_of(index)] = np.zeros((0, *shape), np.uint8)
            if variant.masked:
                found[masks_of(index)] = np.zeros((0, *shape[:2]), np.bool_)
        return found

    def _of(self, sample: Sample, shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        kitchen = Kitchen(self.worker.dataset, sample, self.worker.seed)
        made: dict[str, NDArray[Any]] = {}
        for index, variant in enumerate(self.worker.variants):
            frames = np.stack(kitchen.frames(variant))
            frame = frames if variant.stress.definition.sequence else frames[0]
            if frame.shape[-3:] != shape[-3:]:
                raise SampleError(
                    f'"{sample.id}": {frame.shape[-2]}x{frame.shape[-3]} pixels, but the first of '
                    f"this array is {shape[-2]}x{shape[-3]}; give a frame, such as frame=imagenet"
                )
            made[pictures_of(index)] = frame
            if variant.masked:
                made[masks_of(index)] = kitchen.mask(variant)
        return made


def pictures_of(index: int) -> str:
    """Return what the pictures of a variant are called in a chunk."""
    return f"v{index}"


def masks_of(index: int) -> str:
    """Return what the masks of a variant are called in a chunk."""
    return f"m{index}"


def members(path: Path) -> dict[str, NDArray[np.generic]] | None:
    """Return the arrays of a chunk, or None where it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def stack_key(variants: Sequence[Variant], samples: Sequence[Sample]) -> str:
    """Return what an array is of."""
    return digest(*(key_of(v, s) for v in variants for s in samples), size=8)


def chunks_of(worker: Worker, samples: Sequence[Sample]) -> Iterator[Chunk]:
    """Yield the chunks of ``samples``; raises SampleError where none of the first can be read."""
    shapes = _shapes(worker, samples)
    bytes_each = sum(int(np.prod(shape)) for shape in shapes)
    size = max(1, min(CHUNK_SAMPLES, CHUNK_BYTES // max(1, bytes_each)))
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        file = f"{PARTS}/{stack_key(worker.variants, part)}.npz"
        yield Chunk(part, file, shapes[0])


def _shapes(worker: Worker, samples: Sequence[Sample]) -> list[tuple[int, ...]]:
    reason = ""
    for sample in samples[:100]:
        try:
            kitchen = Kitchen(worker.dataset, sample, worker.seed)
            made = [np.stack(kitchen.frames(variant)) for variant in worker.variants]
            return [
                m.shape if v.stress.definition.sequence else m.shape[1:]
                for m, v in zip(made, worker.variants, strict=True)
            ]
        except SampleError as error:
            reason = reason or str(error)
    raise RoadworthyError(f"no image of '{worker.dataset.spec}' can be used: {reason}")
