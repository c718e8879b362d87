"""A data set opened without its labels: a folder of images needs no class folders then."""

from __future__ import annotations

import os
from collections.abc import Sequence

from roadworthy.data.base import Images, content_of, unique_ids
from roadworthy.data.files import existing, printable, read_file
from roadworthy.data.readers.imagefolder import images_below
from roadworthy.data.registry import open_data
from roadworthy.data.remember import content_digests
from roadworthy.errors import UsageError
from roadworthy.spec import Spec, SpecError, parse
from roadworthy.types import Classes, Dataset, Sample


def open_unlabelled(data: str | Spec | Dataset) -> Dataset:
    """Return a data set whose labels mean nothing: all images below a folder, or what a reader opens.

    Raises UsageError where there is no such folder, or no image in it.
    """
    if not isinstance(data, str | Spec):
        return data
    try:
        spec = parse(data) if isinstance(data, str) else data
    except SpecError:
        return open_data(data)  # which says what a path needs
    if spec.name != "imagefolder" or not spec.path:
        return open_data(spec)
    root = existing(os.path.expanduser(spec.path), "imagefolder", folder=True).absolute()
    files = images_below(root, str(spec))
    if not files:
        raise UsageError(f"{spec}: no images in this folder or below it")
    ids = unique_ids([printable(os.path.relpath(f, root)).replace(os.sep, "/") for f in files])
    return Images(str(spec), Classes(None), _samples(ids, files), read_file)


def _samples(ids: Sequence[str], files: Sequence[str]) -> list[Sample]:
    digests = content_digests(files)
    return [
        Sample(name, 0, content_of(digest or "unreadable", 0), file)
        for name, digest, file in zip(ids, digests, files, strict=True)
    ]
