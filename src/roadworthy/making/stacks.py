"""Arrays for many samples, as CIFAR-10-C and CIFAR-10-P: made in chunks, put together at the end."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from roadworthy.engine.files import cannot_write, sweep, write_whole
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.making import masks
from roadworthy.making.chunks import (
    PARTS,
    Chunk,
    Chunks,
    chunks_of,
    masks_of,
    members,
    pictures_of,
    stack_key,
)
from roadworthy.making.made import Made
from roadworthy.making.manifest import Manifest, Record, checksum, checksum_of
from roadworthy.making.pool import work
from roadworthy.making.request import Variant
from roadworthy.making.worker import Result, Worker
from roadworthy.types import Sample

LABELS = "labels.npy"


def make_stacks(
    worker: Worker,
    samples: Sequence[Sample],
    manifest: Manifest,
    *,
    jobs: int,
    report: Callable[[int], None],
) -> Made:
    """Make every array that is missing or damaged; samples that fail are left out of all of them."""
    whole = _whole(worker, samples, manifest)
    todo = [v for v in worker.variants if _file_of(v) not in whole]
    report(len(whole))
    if not todo:
        return Made(worker.folder, 0, len(whole))
    worker = replace(worker, variants=todo)
    failures: dict[str, str] = {}
    chunks = list(chunks_of(worker, samples))
    try:
        (worker.folder / PARTS).mkdir(exist_ok=True)
        sweep([worker.folder / PARTS])
    except OSError as error:
        raise cannot_write(worker.folder / PARTS, error) from error
    results: Iterator[Result] = work(Chunks(worker).do, chunks, jobs=jobs)
    for result in results:
        failures |= result.failures
    parts = [_rows_of(worker.folder, chunk) for chunk in chunks]
    kept = [sample for rows, _ in parts for sample in rows]
    if not kept:
        raise RoadworthyError(f"no image could be used: {next(iter(failures.values()))}")
    written = 0
    if not worker.variants[0].stress.definition.sequence:
        _write_labels(worker, kept, samples, manifest)
    for file, indices in stacks_of(worker.variants).items():
        of = [worker.variants[i] for i in indices]
        arrays = {masks.beside(file): [*map(masks_of, indices)]} if of[0].masked else {}
        for name, held in {**arrays, file: [*map(pictures_of, indices)]}.items():
            path = worker.folder / name
            sha256 = _write_stack(path, held, [part for _, part in parts], len(kept))
            record = Record(
                file=name,
                sha256=sha256,
                size=path.stat().st_size,
                sample=None,
                label=None,
                content=None,
                stress=of[0].stress.spec,
                variant=";".join(v.setting.key for v in of),
                key=stack_key(of, samples),
            )
            manifest.add([record])
            written += 1
            report(1)
    shutil.rmtree(worker.folder / PARTS, ignore_errors=True)
    return Made(worker.folder, written, len(whole), failures)


def stacks_of(variants: Sequence[Variant]) -> dict[str, list[int]]:
    """Return the file of each array and the variants in it: severities of a corruption in order."""
    found: dict[str, list[int]] = {}
    for index, variant in enumerate(variants):
        found.setdefault(_file_of(variant), []).append(index)
    return found


def _file_of(variant: Variant) -> str:
    return f"{variant.folder.partition('/')[0]}.npy"


def _whole(worker: Worker, samples: Sequence[Sample], manifest: Manifest) -> set[str]:
    """Return the arrays that are there as they should be; none where their labels are not."""

    def whole(file: str, key: str) -> bool:
        record = manifest.records.get(file)
        if record is None or record.key != key:
            return False
        return checksum_of(worker.folder / file) == record.sha256

    labelled = not worker.variants[0].stress.definition.sequence
    if labelled and not whole(LABELS, stack_key((), samples)):
        return set()
    stacks = stacks_of(worker.variants).items()
    found = set()
    for file, indices in stacks:
        of = [worker.variants[i] for i in indices]
        files = [file, masks.beside(file)][: 1 + of[0].masked]
        if all(whole(name, stack_key(of, samples)) for name in files):
            found.add(file)
    return found


def _write_labels(
    worker: Worker,
    kept: Sequence[Sample],
    samples: Sequence[Sample],
    manifest: Manifest,
) -> None:
    repeats = len(next(iter(stacks_of(worker.variants).values())))
    buffer = io.BytesIO()
    np.save(buffer, np.tile(np.array([s.label for s in kept], np.int64), repeats))
    data, path = buffer.getvalue(), worker.folder / LABELS
    known, arrays = manifest.records.get(LABELS), stacks_of(worker.variants)
    mine = {LABELS, *arrays, *map(masks.beside, arrays)}
    others = [file for file in manifest.records if file not in mine]
    if known and others and known.sha256 != checksum(data):
        raise UsageError(
            f"the arrays in '{worker.folder}' have other rows or another number of severities than "
            f"these would have; choose another folder"
        )
    write_whole(path, data)
    key = stack_key((), samples)
    manifest.add([Record(LABELS, checksum(data), len(data), None, None, None, "labels", "", key)])


def _rows_of(folder: Path, chunk: Chunk) -> tuple[list[Sample], Path]:
    path = folder / chunk.file
    for candidate in (path, path.with_suffix(".partial")):
        found = members(candidate)
        if found is not None:
            return [chunk.samples[int(row)] for row in found["rows"].tolist()], candidate
    raise RoadworthyError(f"cannot read '{path}', which was just written; give the command again")


def _write_stack(path: Path, names: Sequence[str], parts: Sequence[Path], rows: int) -> str:
    """Write one array from its parts under a temporary name, then rename it; return its SHA-256."""
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    with np.load(parts[0], allow_pickle=False) as archive:
        first = archive[names[0]]
    shape = (len(names) * rows, *first.shape[1:])
    buffer = io.BytesIO()
    about = {"descr": first.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, about)
    hasher = hashlib.sha256()
    try:
        path.parent.mkdir(exist_ok=True)
        with temporary.open("wb") as file:

            def put(data: bytes | memoryview) -> None:
                hasher.update(data)
                file.write(data)

            put(buffer.getvalue())
            for name in names:
                for part in parts:
                    with np.load(part, allow_pickle=False) as archive:
                        put(archive[name].tobytes())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
    return hasher.hexdigest()
