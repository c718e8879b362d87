"""Writing subsets as pictures: what is kept is the very same bytes, what covers the rest is rounded."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from roadworthy.engine.files import cannot_write, write_whole
from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.neighbours import another
from roadworthy.engine.verdict import log_softmax
from roadworthy.errors import RoadworthyError, SampleError
from roadworthy.evaluation import Prepared
from roadworthy.making import masks as mask_files
from roadworthy.making.manifest import Manifest, Record, checksum, checksum_of
from roadworthy.making.names import class_folders, file_stems
from roadworthy.making.subset_sets import Set
from roadworthy.models.statistics import mean_of
from roadworthy.pipeline.base import run as prepared_frame
from roadworthy.run import Run
from roadworthy.seed import digest
from roadworthy.stores import store
from roadworthy.stress import masks
from roadworthy.stress._subsets.again import cut_again
from roadworthy.stress.masks._picture import picture
from roadworthy.stress.masks.base import MaskContext
from roadworthy.types import Image, Sample

AT_ONCE = 32
MOST_BYTES = 4 << 30
"""Larger sets are not put into one array, which must fit into memory."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """One subset as it is written: the picture (H, W, 3), which pixels are of the image (H, W)."""

    sample: Sample
    row: Row
    image: Image
    kept: NDArray[np.bool_]


@dataclass
class Writer:
    """Writes the sets of a run into ``folder``; what is there and whole is left as it is."""

    run: Run
    prepared: Prepared
    folder: Path
    manifest: Manifest
    report: Callable[[int], None]
    written: int = 0
    kept: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def write(self, one: Set, rows: pl.DataFrame) -> None:
        """Write the subsets that the records ``rows`` of one set are about."""
        if one.store == "npy":
            self._write_array(one, rows)
        else:
            self._write_files(one, rows)

    @cached_property
    def _samples(self) -> Mapping[str, Sample]:
        return {sample.id: sample for sample in self.prepared.datasets[0].samples}

    @cached_property
    def _places(self) -> Mapping[str, str]:
        """Where each sample lies inside a set: as in every other make."""
        dataset = self.prepared.datasets[0]
        stems, classes = (
            file_stems(dataset.samples),
            class_folders(dataset.classes, dataset.samples),
        )
        return {s.id: f"{classes[s.label]}/{stems[s.id]}" for s in dataset.samples}

    def _write_files(self, one: Set, rows: pl.DataFrame) -> None:
        todo = []
        for row in rows.iter_rows(named=True):
            sample = self._samples[row["sample"]]
            files = self._files(one, sample)
            if all(self._whole(file, one.key_of(sample, mask=m)) for file, m in files):
                self.kept += len(files)
                self.report(len(files))
            else:
                todo.append(row)
        for start in range(0, len(todo), AT_ONCE):
            shown = list(self._shown(one, todo[start : start + AT_ONCE]))
            for each, facts in zip(shown, self._judged(one, shown), strict=True):
                self._put(one, each, facts)

    def _files(self, one: Set, sample: Sample) -> list[tuple[str, bool]]:
        file = f"{one.folder}/{self._places[sample.id]}.png"
        return [(file, False), (mask_files.beside(file), True)]

    def _whole(self, file: str, key: str) -> bool:
        known = self.manifest.records.get(file)
        return (
            known is not None
            and known.key == key
            and checksum_of(self.folder / file) == known.sha256
        )

    def _put(self, one: Set, shown: Shown, facts: Mapping[str, Any]) -> None:
        """Write a picture and its mask."""
        png, sample, records = store("png"), shown.sample, []
        for file, mask in self._files(one, sample):
            data = mask_files.encoded(shown.kept) if mask else png.encode([shown.image], False)
            self._save(file, data)
            record = Record(
                file=file,
                sha256=checksum(data),
                size=len(data),
                sample=sample.id,
                label=sample.label,
                content=sample.content,
                stress=one.cell.stress.spec,
                variant=one.variant,
                key=one.key_of(sample, mask=mask),
                subset=None if mask else facts,
            )
            records.append(record)
        self._note(records)

    def _save(self, file: str, data: bytes) -> None:
        path = self.folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path.parent, error) from error
        write_whole(path, data)

    def _note(self, records: list[Record]) -> None:
        self.manifest.add(records)
        self.written += len(records)
        self.report(len(records))

    def _write_array(self, one: Set, rows: pl.DataFrame) -> None:
        """Write a set as one file that ``arrays:`` reads, with masks and names."""
        every = [(row, self._samples[row["sample"]]) for row in rows.iter_rows(named=True)]
        if not every:
            return
        file = f"{one.folder}.npz"
        key = digest(one.key, *(f"{s.id}\0{s.content}" for _, s in every), size=8)
        if self._whole(file, key):
            self.kept += 1
            self.report(1)
            return
        height, width = one.cell.size
        if len(every) * height * width * 4 > MOST_BYTES:
            raise RoadworthyError(
                f"'{file}' would hold {len(every)} pictures of {height}x{width}, more than fit into one "
                "array; use --store png"
            )
        shown = list(self._shown(one, [row for row, _ in every]))
        facts = list(self._judged(one, shown))
        buffer = io.BytesIO()
        np.savez(
            buffer,
            allow_pickle=False,
            images=np.stack([each.image for each in shown]),
            labels=np.array([each.sample.label for each in shown], np.int64),
            masks=np.stack([each.kept for each in shown]),
            samples=np.array([each.sample.id for each in shown]),
            confidence=np.array([told["confidence"] for told in facts], np.float32),
        )
        self._save(file, buffer.getvalue())
        sure = {
            "images": len(shown),
            "threshold": rows["threshold"][0],
            "fraction": rows["fraction"][0],
        }
        data, spec = buffer.getvalue(), one.cell.stress.spec
        about = (file, checksum(data), len(data), None, None, None, spec, one.variant, key, sure)
        self._note([Record(*about)])

    def _shown(self, one: Set, rows: Sequence[Row]) -> Iterator[Shown]:
        """Yield the subsets of some records as pictures; samples that cannot be read become failures."""
        cell, seed = one.cell, self.prepared.options.seed
        mean = torch.tensor(mean_of(cell.judge.model))
        for row in rows:
            sample = self._samples[row["sample"]]
            made = self.run.store.artifacts.of(row)
            if not made:
                raise RoadworthyError(
                    f"\"{sample.id}\": its order is gone from '{self.run.folder}'; give the same "
                    "command again, which makes it again"
                )
            try:
                data = cell.source.dataset.read(sample)
                frame = prepared_frame(data, cell.pipeline, name=sample.id)
            except SampleError as error:
                self.failures[sample.id] = str(error)
                continue
            cut = cut_again({name: m.arrays for name, m in made.items()}, row, seed=seed)
            kept = cut.kept[-1, 0] if cut.kept.ndim == 4 else cut.kept[0]
            context = MaskContext(mean, partial(another, cell, [sample], seed=seed))
            mask = masks.one(one.mask)
            image = picture(mask, frame, kept, context, sample=sample.id, seed=seed)
            yield Shown(sample, row, image, kept)

    def _judged(self, one: Set, shown: list[Shown]) -> Iterator[dict[str, Any]]:
        """Yield what the model says of the pictures as they are written."""
        judge, device = self.prepared.judges[0], self.prepared.options.device
        for start in range(0, len(shown), AT_ONCE):
            some = shown[start : start + AT_ONCE]
            x = to_input(np.stack([each.image for each in some]), device)
            shares = np.exp(log_softmax(forward(judge.model, x, name=judge.spec)))
            for each, share in zip(some, shares, strict=True):
                yield _facts(one, each, share)


def _facts(one: Set, shown: Shown, share: NDArray[np.floating[Any]]) -> dict[str, Any]:
    row, target = shown.row, int(shown.row["target"])
    sure, threshold = float(share[target]), row["threshold"]
    return {
        "kept": float(shown.kept.mean()),
        "threshold": threshold,
        "fraction": row["fraction"],
        "target": target,
        "pred": int(share.argmax()),
        "confidence": round(sure, 6),
        "sufficient": None if threshold is None else bool(sure >= threshold),
        "mask": str(one.mask),
    }
