"""One folder a class, images inside: the layout of ImageNet's validation set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from roadworthy.data.base import Images, content_of, dataset, unique_ids
from roadworthy.data.classes import check_count, check_declared, check_index, named
from roadworthy.data.files import existing, is_image_name, printable, read_file
from roadworthy.data.remember import content_digests
from roadworthy.errors import UsageError
from roadworthy.types import Classes, Dataset, Sample

_EXPECTED = "one folder a class with images inside, such as cat/01.jpg and dog/01.jpg"
_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


@dataset
def imagefolder(path: str, *, classes: int | None = None) -> Dataset:
    """Read the images below each class folder of ``path``; ids are relative paths.

    Class folders are numbered in sorted order. Where all names are integers they are the class
    indices themselves, and ``classes`` may declare how many there are. WordNet ids are
    recognised. Hidden files and files without an image extension are left out. Raises UsageError
    where there are no class folders, no images, or splits instead of classes.
    """
    spec = f"imagefolder:{path}"
    root = existing(path, "imagefolder", folder=True).absolute()
    check_declared(classes, spec)
    folders = class_folders(root, spec)
    labels, meaning = number_folders(folders, spec, classes)
    files, labelled = [], []
    for folder, label in zip(folders, labels, strict=True):
        found = images_below(root / folder, spec)
        files += found
        labelled += [label] * len(found)
    if not files:
        raise UsageError(f"{spec}: no images in {len(folders)} folders; expected {_EXPECTED}")
    ids = unique_ids([printable(os.path.relpath(f, root)).replace(os.sep, "/") for f in files])
    samples = [
        Sample(name, label, content_of(digest or "unreadable", label), file)
        for name, label, digest, file in zip(
            ids, labelled, content_digests(files), files, strict=True
        )
    ]
    return Images(spec, meaning, samples, read_file)


def class_folders(root: Path, spec: str) -> list[str]:
    """Return the names of the class folders, sorted; raises UsageError where there are none."""
    try:
        entries = [e for e in os.scandir(root) if not e.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise UsageError(f"{spec}: cannot be listed: {error.strerror}") from None
    folders = sorted(e.name for e in entries if e.is_dir())
    if not folders:
        images = sum(is_image_name(e.name) for e in entries)
        kinds = Counter(os.path.splitext(e.name)[1].lower() or "no extension" for e in entries)
        found = f"{images} images directly in it" if images else "no images"
        if kinds and not images:
            found += ", only files of type " + ", ".join(k for k, _ in kinds.most_common(5))
        raise UsageError(
            f"{spec}: no class folders, {found}; expected {_EXPECTED} "
            f"(for a flat folder write a table with the columns file,label and use csv:FILE)"
        )
    if {name.lower() for name in folders} <= _SPLITS:
        raise UsageError(
            f"{spec}: its folders are splits, not classes ({', '.join(folders)}); "
            f"name one of them: {spec.rstrip('/')}/{folders[-1]}"
        )
    return folders


def number_folders(
    folders: Sequence[str], spec: str, classes: int | None
) -> tuple[Sequence[int], Classes]:
    """Return the label of each class folder, and what the labels mean."""
    if not all(name.isascii() and name.isdigit() and len(name) < 12 for name in folders):
        check_count(len(folders), classes, spec)
        return range(len(folders)), named([printable(name) for name in folders])
    labels = [check_index(int(name), f"{spec}/{name}", classes) for name in folders]
    twice = [label for label, times in Counter(labels).items() if times > 1]
    if twice:
        same = [name for name in folders if int(name) == twice[0]]
        raise UsageError(
            f"{spec}: the folders {' and '.join(same)} are both class {twice[0]}; "
            f"expected one folder a class"
        )
    return labels, Classes(count=classes)


def images_below(folder: Path, spec: str) -> list[str]:
    """Return the paths of all images below ``folder``, sorted."""

    def refuse(error: OSError) -> None:
        raise UsageError(f"{spec}: cannot list {error.filename}: {error.strerror}")

    found = []
    for parent, below, names in os.walk(folder, onerror=refuse):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [os.path.join(parent, name) for name in sorted(names) if is_image_name(name)]
    return found
