"""CIFAR-10-C and CIFAR-100-C as they are published: an array for each corruption, and labels."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.classes import check_declared, index_labels
from roadworthy.data.files import existing
from roadworthy.data.remember import content_digests
from roadworthy.data.stored import (
    CORRUPTIONS,
    SEVERITIES,
    Names,
    Numbers,
    names_of,
    places,
    severities_of,
)
from roadworthy.errors import SampleError, UsageError
from roadworthy.types import Dataset, Sample

_BLOCKS = len(SEVERITIES)


@dataset
def cifar_c(
    path: str,
    *,
    corruptions: Names | None = None,
    severities: Numbers | None = None,
    classes: int | None = None,
) -> Dataset:
    """Read ``<corruption>.npy``, uint8 (5 N, H, W, 3), severity after severity, and ``labels.npy``.

    All fifteen ``corruptions`` and five ``severities`` are expected; name some for a part, as in
    ``cifar_c:DIR(corruptions=fog, severities=5)``. Arrays are mapped into memory, never unpickled.
    Every sample has the columns ``corruption``, ``severity`` and ``image``; a run takes each
    corruption and severity as a data set of its own, of the same images. Raises
    UsageError where an array is missing or of another shape, and where the labels are not five
    times the same. Hendrycks & Dietterich, ICLR 2019.
    """
    spec = f"cifar_c:{path}"
    check_declared(classes, spec)
    root = existing(path, "cifar_c", folder=True).absolute()
    names = names_of(corruptions, CORRUPTIONS, what="corruption", spec=spec)
    levels = severities_of(severities, spec=spec)
    where = places(root, names, suffix=".npy", what="corruption", spec=spec)
    labels = _labels(root / "labels.npy", spec)
    arrays = {name: _opened(where[name], spec) for name in names}
    _check(arrays, _BLOCKS * len(labels), spec)
    numbers, meaning = index_labels(
        [str(value) for value in labels.tolist()],
        where=lambda row: f"{spec}, labels.npy, row {row}",
        classes=classes,
    )
    digests = content_digests([where[name] for name in names])
    samples = []
    for name, digest in zip(names, digests, strict=True):
        for level in levels:
            prefix = "" if len(names) * len(levels) == 1 else f"{name}/{level}"
            for number, label in enumerate(numbers):
                columns = {"corruption": name, "severity": level, "image": f"#{number}"}
                row = (level - 1) * len(numbers) + number
                content = content_of(f"{digest}#{row}", label)
                place = (os.fspath(where[name]), row)
                samples.append(Sample(f"{prefix}#{number}", label, content, place, columns))
    return Images(spec, meaning, samples, _Rows(), "untouched")


@dataclass
class _Rows:
    """Reads rows of arrays that are mapped when they are first needed."""

    _open: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def __call__(self, sample: Sample) -> bytes:
        from roadworthy.stores import store

        path, row = sample.location
        with self._lock:
            if path not in self._open:
                try:
                    self._open[path] = _opened(Path(path), path)
                except UsageError as error:
                    raise SampleError(f"{sample.id}: {error}") from None
            array = self._open[path]
        if row >= len(array):
            raise SampleError(f"{sample.id}: {path} has only {len(array)} rows now")
        return store("png").encode([np.ascontiguousarray(array[row])], False)

    def __reduce__(self) -> tuple[Any, ...]:  # a copy in another process maps for itself
        return _Rows, ()


def _opened(path: Path, spec: str) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{spec}: {path.name} is no readable array: {error}") from None
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{spec}: {path.name} is an archive; expected one array by numpy.save")
    return array


def _labels(path: Path, spec: str) -> NDArray[Any]:
    """Return the labels of one severity."""
    if not path.is_file():
        raise UsageError(f"{spec}: labels.npy is missing; it is published beside the arrays")
    labels = _opened(path, spec)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise UsageError(
            f"{spec}: labels.npy is {labels.dtype} {labels.shape}; expected whole numbers (5 N,)"
        )
    blocks = labels.reshape(_BLOCKS, -1) if len(labels) % _BLOCKS == 0 else None
    if blocks is None or not (blocks == blocks[0]).all():
        raise UsageError(
            f"{spec}: labels.npy does not hold the same {len(labels)}/5 labels five times, once a "
            f"severity; it is scrambled, or of another set: copy it again"
        )
    return np.array(blocks[0])


def _check(arrays: dict[str, NDArray[Any]], rows: int, spec: str) -> None:
    first = next(iter(arrays.values())).shape
    for name, array in arrays.items():
        shape = array.shape
        if array.dtype != np.uint8 or array.ndim != 4 or shape[3] != 3 or 0 in shape:
            raise UsageError(
                f"{spec}: {name}.npy is {array.dtype} {shape}; expected uint8 ({rows}, 32, 32, 3)"
            )
        if shape[0] != rows:
            raise UsageError(
                f"{spec}: {name}.npy has {shape[0]} images for {rows} labels; expected one label "
                f"for each, five severities one after the other"
            )
        if shape != first:
            raise UsageError(f"{spec}: {name}.npy is {shape}, but {next(iter(arrays))}.npy {first}")
