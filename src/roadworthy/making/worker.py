"""Making the files of one sample: what a process does, alone or beside others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.files import cannot_write, sweep, write_whole
from roadworthy.errors import SampleError
from roadworthy.making import masks, readings
from roadworthy.making.manifest import Record, checksum, checksum_of
from roadworthy.making.request import Variant
from roadworthy.pipeline.base import Pipeline, decode, decode_hash, frame_of, framed, resized
from roadworthy.seed import digest
from roadworthy.stores import store
from roadworthy.stress.apply import corrupted, draws_for, sequence
from roadworthy.stress.apply import kept as kept_by
from roadworthy.types import Dataset, Image, Sample


@dataclass(frozen=True)
class Target:
    """A file to make: which variant, its path inside the folder, its checksum if it was made.

    Of a ``mask`` the picture lies elsewhere.
    """

    variant: int
    file: str
    sha256: str | None = None
    mask: bool = False


@dataclass(frozen=True)
class Task:
    """Samples with the files to make of each."""

    samples: Sequence[tuple[Sample, Sequence[Target]]]


@dataclass
class Result:
    """What became of a task."""

    records: list[Record] = field(default_factory=list)
    kept: int = 0  # files that were there and whole
    failures: dict[str, str] = field(default_factory=dict)


class Kitchen:
    """Makes pictures of one sample under many variants, decoding it once for each pipeline."""

    def __init__(self, dataset: Dataset, sample: Sample, seed: int) -> None:
        self.dataset, self.sample, self.seed = dataset, sample, seed
        self._data: bytes | None = None
        self._pixels: dict[str, Image] = {}
        self._resized: dict[Pipeline, Image] = {}

    def pixels(self, pipeline: Pipeline) -> Image:
        """Return the decoded picture, once for all that decode alike; raises SampleError."""
        if self._data is None:
            self._data = self.dataset.read(self.sample)
        how = decode_hash(pipeline)
        if how not in self._pixels:
            self._pixels[how] = decode(self._data, pipeline, name=self.sample.id)
        return self._pixels[how]

    def uncropped(self, pipeline: Pipeline) -> Image:
        """Return the resized picture; raises SampleError naming the sample."""
        if pipeline not in self._resized:
            self._resized[pipeline] = resized(self.pixels(pipeline), pipeline)
        return self._resized[pipeline]

    def frames(self, variant: Variant) -> list[Image]:
        """Return the frames of a variant, one unless it is a sequence; raises SampleError."""
        one, setting, pipeline = variant.stress, variant.setting, variant.pipeline
        if readings.reads(one):
            return [frame_of(self.pixels(pipeline), pipeline)]
        picture = self.uncropped(pipeline)
        frame = framed(picture, pipeline)
        sample, seed = self.sample.id, self.seed
        tables = one.definition.tables
        if tables is None:
            return [corrupted(one, setting, frame, sample=sample, seed=seed)]
        arguments = tables.on(frame.shape[:2], setting.arguments).arguments
        draws = draws_for(one.definition, setting.key, sample=sample, seed=seed)
        return list(sequence(one, arguments, picture, pipeline, sample=sample, **draws))

    def mask(self, variant: Variant) -> NDArray[np.bool_]:
        """Return which pixels (H, W) a variant leaves as they are; raises SampleError."""
        frame = framed(self.uncropped(variant.pipeline), variant.pipeline)
        sample, seed = self.sample.id, self.seed
        return kept_by(variant.stress, variant.setting, frame, sample=sample, seed=seed)


@dataclass
class Worker:
    """Does tasks: makes what is missing or damaged, and writes each file whole or not at all."""

    folder: Path
    dataset: Dataset
    variants: Sequence[Variant]
    seed: int
    _known: set[Path] = field(default_factory=set)

    def do(self, task: Task) -> Result:
        """Make the files of some samples; a sample that cannot be used becomes a failure."""
        result = Result()
        for sample, targets in task.samples:
            kitchen = Kitchen(self.dataset, sample, self.seed)
            try:
                for target in targets:
                    path = self.folder / target.file
                    if target.sha256 is not None and checksum_of(path) == target.sha256:
                        result.kept += 1
                    else:
                        result.records.append(self._made(kitchen, target, path))
            except SampleError as error:
                result.failures[sample.id] = str(error)
            except (ValueError, MemoryError, ArithmeticError) as error:
                result.failures[sample.id] = f"{type(error).__name__}: {error}"
        return result

    def _made(self, kitchen: Kitchen, target: Target, path: Path) -> Record:
        variant, sample = self.variants[target.variant], kitchen.sample
        data = masks.encoded(kitchen.mask(variant)) if target.mask else _encoded(kitchen, variant)
        self._prepare(path.parent)
        write_whole(path, data)
        return Record(
            file=target.file,
            sha256=checksum(data),
            size=len(data),
            sample=sample.id,
            label=sample.label,
            content=sample.content,
            stress=variant.stress.spec,
            variant=variant.setting.key,
            key=key_of(variant, sample, mask=target.mask),
        )

    def _prepare(self, folder: Path) -> None:
        """Make a folder, and remove from it what killed processes left half-written."""
        if folder in self._known:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sweep([folder])
        except OSError as error:
            raise cannot_write(folder, error) from error
        self._known.add(folder)


def _encoded(kitchen: Kitchen, variant: Variant) -> bytes:
    """Return the file of one picture, or of one sequence."""
    tables = variant.stress.definition.tables
    noise = tables is not None and tables.compare == "first"
    frames, kept = kitchen.frames(variant), store(variant.store)
    if readings.reads(variant.stress):
        return readings.encoded(frames[0], kept)
    return kept.encode(frames, noise)


def key_of(variant: Variant, sample: Sample, *, mask: bool = False) -> str:
    """Return what a file is of: as long as it stays, a whole file need not be made again."""
    return digest(variant.key, sample.id, sample.content, *(["mask"] if mask else []), size=8)
