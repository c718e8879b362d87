"""ImageNet-C as it is published: a folder for each corruption, severity and class."""

from __future__ import annotations

import os
from pathlib import Path

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.files import existing, printable, read_file
from roadworthy.data.readers.imagefolder import class_folders, images_below, number_folders
from roadworthy.data.remember import content_digests
from roadworthy.data.stored import (
    CORRUPTIONS,
    Names,
    Numbers,
    check_same,
    names_of,
    places,
    severities_of,
)
from roadworthy.errors import UsageError
from roadworthy.types import Dataset, Sample

_CATEGORIES = ("noise", "blur", "weather", "digital", "extra")


@dataset
def imagenet_c(
    path: str,
    *,
    corruptions: Names | None = None,
    severities: Numbers | None = None,
    classes: int | None = None,
) -> Dataset:
    """Read ``<corruption>/<severity>/<class>/<name>``: corrupted images, judged as they are.

    All fifteen ``corruptions`` and five ``severities`` are expected; name some for a part, as in
    ``imagenet_c:DIR(corruptions=[fog, snow], severities=[1, 3])``. The archives may also stay in the
    folders noise, blur, weather, digital and extra. Every sample has the columns ``corruption``,
    ``severity`` and ``image``; a run takes each corruption and severity as a data set of its own, of
    the same images. Raises UsageError where a part is missing or holds other images than the first.
    Hendrycks & Dietterich, ICLR 2019.
    """
    spec = f"imagenet_c:{path}"
    root = existing(path, "imagenet_c", folder=True).absolute()
    names = names_of(corruptions, CORRUPTIONS, what="corruption", spec=spec)
    levels = severities_of(severities, spec=spec)
    where = places(root, names, suffix="", what="corruption", spec=spec, inside=_CATEGORIES)
    parts = {(name, level): where[name] / str(level) for name in names for level in levels}
    missing = [f"{name}/{level}" for (name, level), part in parts.items() if not part.is_dir()]
    if missing:
        raise UsageError(
            f"{spec}: {', '.join(missing[:8])} missing; the published set has severities 1 to 5 of "
            f"each corruption; for a part write {spec}(severities=[...])"
        )
    first = next(iter(parts.values()))
    folders = class_folders(first, f"{spec}/{first.relative_to(root)}")
    labels, meaning = number_folders(folders, spec, classes)
    label_of = dict(zip(folders, labels, strict=True))
    found = {part: _relative(parts[part], spec) for part in parts}
    check_same({f"{name}/{level}": files for (name, level), files in found.items()}, spec=spec)
    files = [
        (name, level, file, os.path.join(parts[name, level], file))
        for (name, level), inside in found.items()
        for file in inside
    ]
    digests = content_digests([place for *_, place in files])
    samples = []
    for (name, level, file, place), digest in zip(files, digests, strict=True):
        label = label_of[file.split(os.sep, 1)[0]]
        image = printable(file).replace(os.sep, "/")
        columns = {"corruption": name, "severity": level, "image": image}
        sample = image if len(parts) == 1 else f"{name}/{level}/{image}"
        content = content_of(digest or "unreadable", label)
        samples.append(Sample(sample, label, content, place, columns))
    return Images(spec, meaning, samples, read_file, "untouched")


def _relative(part: Path, spec: str) -> list[str]:
    files = [os.path.relpath(file, part) for file in images_below(part, spec)]
    loose = [file for file in files if os.sep not in file]
    if loose or not files:
        what = f"'{loose[0]}' lies in no class folder" if loose else "no images"
        raise UsageError(f"{spec}: {part}: {what}; expected <corruption>/<severity>/<class>/<name>")
    return files
