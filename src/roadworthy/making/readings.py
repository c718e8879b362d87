"""Frames as other decoders and resizers make them, in the layout of ImageNet-S."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.engine.files import write_whole
from roadworthy.errors import UsageError
from roadworthy.making.manifest import Record
from roadworthy.pipeline.base import Pipeline, probe_hash, validate
from roadworthy.pipeline.published import FrameName, published
from roadworthy.seed import digest
from roadworthy.stores.base import Store
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.changes import modifies, read_by
from roadworthy.types import Classes, Image, Tap

FRAME: FrameName = "squash256"
"""The published geometry, unless another is given."""

STORES = ("npy", "png")


def reads(one: Stress) -> bool:
    """Whether a stress is another way to read files."""
    return one.definition.tap is Tap.PIPELINE


def pipeline_of(one: Stress, setting: Setting, frame: FrameName) -> Pipeline:
    """Return the pipeline that makes the frames of one variant.

    Raises UsageError for a stress that changes anything but decoder and resizer, which is all that
    the layout tells apart, and for names and packages that are not there.
    """
    usual = published(frame, Pipeline(size=None))
    found = read_by(one, setting, usual)
    plain = replace(found, decoder=usual.decoder, resize=usual.resize)
    if modifies(one) or plain != usual:
        raise UsageError(
            f"'{one.spec}': `make` writes what other decoders and resizers make of files, and this "
            f"changes something else as well; judge it in a run"
        )
    return validate(found)


def folder_of(pipeline: Pipeline) -> str:
    """Return the folder of a pipeline: ``pillow/opencv-nearest``."""
    return f"{pipeline.decoder}/{pipeline.resize}"


def key_of(pipeline: Pipeline, frame: FrameName, store: str) -> str:
    """Return what decides about the pixels of a pipeline: an upgrade that moves one is another key."""
    return digest("read", str(pipeline), probe_hash(pipeline), frame, store, size=8)


def check_store(one: Stress, kept: Store) -> None:
    """Raise UsageError for a format in which pixels would be lost."""
    if kept.spec not in STORES:
        raise UsageError(
            f"'{one.spec}': what decoders and resizers differ by is lost in {kept.spec}; keep it as "
            f"{' or '.join(STORES)}"
        )


def encoded(image: Image, store: Store) -> bytes:
    """Return the file of one frame, uint8 (H, W, 3): an array of just that shape, or a picture."""
    if store.spec != "npy":
        return store.encode([image], False)
    buffer = io.BytesIO()
    np.save(buffer, image, allow_pickle=False)
    return buffer.getvalue()


def described(classes: Classes) -> dict[str, Any]:
    """Return what the labels mean, as `make.json` says it."""
    lists = {"names": classes.names, "wnids": classes.wnids}
    known: dict[str, Any] = {name: list(words) for name, words in lists.items() if words}
    return {"count": classes.count, "offset": classes.offset, **known}


def write_lists(folder: Path, folders: Sequence[str], records: Iterable[Record]) -> None:
    """Write ``<decoder>_<resizer>.txt`` for each of ``folders``: a line with path and label a file."""
    by_folder: dict[str, list[Record]] = {name: [] for name in folders}
    for record in records:
        own = by_folder.get(record.file.rpartition("/")[0])
        if own is not None:
            own.append(record)
    for name, own in by_folder.items():
        lines = sorted(f"{record.file} {record.label}\n" for record in own)
        write_whole(folder / f"{name.replace('/', '_')}.txt", "".join(lines).encode())
