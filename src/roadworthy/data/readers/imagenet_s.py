"""ImageNet-S as it is published: a folder for each decoder and resizer, and a list of each."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.classes import check_declared, index_labels
from roadworthy.data.files import existing, read_file
from roadworthy.data.remember import content_digests
from roadworthy.data.stored import Names, check_same, names_of
from roadworthy.errors import SampleError, UsageError, did_you_mean
from roadworthy.types import Classes, Dataset, Sample

SUFFIX = ".npy"
Lines = Mapping[str, int]
"""Labels by the path of a file."""


@dataset
def imagenet_s(
    path: str,
    *,
    decoder: Names | None = None,
    resize: Names | None = None,
    classes: int | None = None,
) -> Dataset:
    """Read ``<decoder>/<resizer>/<name>.npy`` and the lists ``<decoder>_<resizer>.txt``.

    Frames are uint8 (H, W, 3), or pictures such as PNG, and judged as they are. All pairs with a list
    are read, or those of the named ``decoder`` and ``resize``. Lines of a list are a path and a class
    index; what the indices mean stands in ``make.json`` where `make` wrote the folder. Every sample
    has the columns ``decoder``, ``resize`` and ``image``; a run takes each pair as a data set of its
    own, of the same images. Raises UsageError where a pair is missing or holds other images than the
    first. Wang et al., "Real world robustness from systematic noise", 2021.
    """
    spec = f"imagenet_s:{path}"
    check_declared(classes, spec)
    root = existing(path, "imagenet_s", folder=True).absolute()
    lists = {
        pair: _lines(file, spec) for pair, file in _chosen(root, decoder, resize, spec).items()
    }
    names = {
        "/".join(pair): [PurePosixPath(line).name for line in own] for pair, own in lists.items()
    }
    check_same({pair: sorted(own) for pair, own in names.items()}, spec=spec)
    meaning = Classes(classes) if classes is not None else _classes(root)
    files = [
        (pair, line, label, _place(root, pair, line, spec))
        for pair, own in lists.items()
        for line, label in own.items()
    ]
    digests = content_digests([place for *_, place in files])
    samples = []
    for (pair, line, label, place), digest in zip(files, digests, strict=True):
        image = PurePosixPath(line).name
        columns = {"decoder": pair[0], "resize": pair[1], "image": image}
        name = image if len(lists) == 1 else f"{'/'.join(pair)}/{image}"
        samples.append(
            Sample(name, label, content_of(digest or "unreadable", label), place, columns)
        )
    return Images(spec, meaning, samples, _fetch, "untouched")


def _chosen(
    root: Path, decoder: Names | None, resize: Names | None, spec: str
) -> dict[tuple[str, str], Path]:
    """Return the lists asked for by decoder and resizer; raises UsageError where one is missing."""
    there = {
        (first, second): file
        for file in sorted(root.glob("*_*.txt"))
        for first, _, second in [file.stem.partition("_")]
        if first and second
    }
    if not there:
        raise UsageError(
            f"{spec}: no list <decoder>_<resizer>.txt; expected the layout of ImageNet-S, such as "
            f"pillow_opencv-nearest.txt beside pillow/opencv-nearest/"
        )
    known = [dict.fromkeys(pair[k] for pair in there) for k in (0, 1)]
    wanted = []
    for given, own, what in ((decoder, known[0], "decoder"), (resize, known[1], "resizer")):
        chosen = names_of(given, list(own), what=what, spec=spec)
        for name in chosen:
            if name not in own:
                raise UsageError(
                    f"{spec}: no list of the {what} '{name}'{did_you_mean(name, own)} "
                    f"(found {', '.join(own)})"
                )
        wanted.append(set(chosen))
    found = {p: f for p, f in there.items() if p[0] in wanted[0] and p[1] in wanted[1]}
    if not found:
        raise UsageError(f"{spec}: no list of these decoders with these resizers")
    return found


def _lines(file: Path, spec: str) -> Lines:
    """Return the labels in a list by path; raises UsageError naming the line."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{spec}: {file.name}: cannot be read ({error})") from None
    rows = [line.rpartition(" ") for line in text.splitlines() if line.strip()]
    if not rows:
        raise UsageError(f"{spec}: {file.name}: no lines; expected '<path> <label>' for each image")
    for number, (line, _, _) in enumerate(rows, 1):
        parts = PurePosixPath(line.strip()).parts
        if not parts or ".." in parts or os.path.isabs(line):
            raise UsageError(
                f"{spec}: {file.name}, line {number}: '{line}' is no path inside the folder; "
                f"expected '<path> <label>'"
            )
    where = f"{spec}: {file.name}"
    labels, _ = index_labels([r[2] for r in rows], where=lambda i: f"{where}, line {i + 1}")
    return dict(zip((line.strip() for line, _, _ in rows), labels, strict=True))


def _place(root: Path, pair: tuple[str, str], line: str, spec: str) -> str:
    """Return where a line's file is: below the root, or below the folder of its pair."""
    for base in (root, root.joinpath(*pair)):
        if (base / line).is_file():
            return os.fspath(base / line)
    raise UsageError(
        f"{spec}: '{line}' of the list {'_'.join(pair)}.txt is not there; copy it again"
    )


def _fetch(sample: Sample) -> bytes:
    """Return a frame as an encoded picture, losslessly; raises SampleError naming it."""
    data = read_file(sample)
    if not os.fspath(sample.location).lower().endswith(SUFFIX):
        return data
    from PIL import Image

    try:
        frame = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise SampleError(f"{sample.id}: not a readable array ({error}); make it again") from None
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.shape[2:] != (3,):
        raise SampleError(f"{sample.id}: holds no frame, uint8 (H, W, 3); make it again")
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _classes(folder: Path) -> Classes:
    """Return what the labels in a folder mean, as far as its `make.json` says so."""
    try:
        about = json.loads((folder / "make.json").read_bytes())["classes"]
        lists = {key: about.get(key) for key in ("names", "wnids")}
        words = {
            key: tuple(map(str, found)) if isinstance(found, list) and found else None
            for key, found in lists.items()
        }
        count, offset = about.get("count"), about.get("offset", 0)
        plain = type(offset) is int and (count is None or type(count) is int)
        return Classes(count, words["names"], words["wnids"], offset) if plain else Classes(None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Classes(None)  # a published folder has no such file
