"""ImageNet-P as it is published, a film for each perturbation and image: one frame of each."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.files import existing, printable, read_file
from roadworthy.data.readers.imagefolder import class_folders, number_folders
from roadworthy.data.remember import content_digests
from roadworthy.data.stored import PERTURBATIONS, Names, check_same, names_of, places
from roadworthy.errors import RoadworthyError, SampleError, UsageError
from roadworthy.stores import store
from roadworthy.types import Dataset, Sample

LONGEST_FILM = 1000
"""Frames."""


@dataset
def imagenet_p(
    path: str, *, perturbations: Names | None = None, frame: int = 0, classes: int | None = None
) -> Dataset:
    """Read frame number ``frame`` of every film ``<perturbation>/<class>/<name>.mp4``.

    All ten ``perturbations`` are expected; name some for a part, as in
    ``imagenet_p:DIR(perturbations=[tilt, scale], frame=30)``. One frame of a film is one labelled
    image: frames of one film are no independent images, and flips between them are not counted
    here. Every sample has the columns ``perturbation`` and ``image``; a run takes each perturbation
    as a data set of its own. Needs the package av. Raises UsageError where a part is missing or
    holds other films than the first, and SampleError for films without that frame.
    Hendrycks & Dietterich, ICLR 2019.
    """
    spec = f"imagenet_p:{path}"
    if not 0 <= frame < LONGEST_FILM:
        raise UsageError(f"{spec}: frame is 0 (the first) to {LONGEST_FILM - 1}, not {frame}")
    store("mp4")  # says at once where the package for films is missing
    root = existing(path, "imagenet_p", folder=True).absolute()
    names = names_of(perturbations, PERTURBATIONS, what="perturbation", spec=spec)
    where = places(root, names, suffix="", what="perturbation", spec=spec)
    folders = class_folders(where[names[0]], f"{spec}/{names[0]}")
    labels, meaning = number_folders(folders, spec, classes)
    label_of = dict(zip(folders, labels, strict=True))
    films = {name: _films(where[name], spec) for name in names}
    check_same(films, spec=spec)
    samples = []
    for name, files in films.items():
        paths = [os.path.join(where[name], file) for file in files]
        for file, place, digest in zip(files, paths, content_digests(paths), strict=True):
            label = label_of[file.split(os.sep, 1)[0]]
            image = printable(file).replace(os.sep, "/")
            content = content_of(f"{digest or 'unreadable'}#{frame}", label)
            columns = {"perturbation": name, "image": image}
            sample = image if len(films) == 1 else f"{name}/{image}"
            samples.append(Sample(sample, label, content, (place, frame), columns))
    return Images(spec, meaning, samples, _frame, "untouched")


def _frame(sample: Sample) -> bytes:
    place, number = sample.location
    try:
        film = store("mp4").decode(read_file(replace(sample, location=place)))
    except RoadworthyError as error:
        said = str(error)
        raise SampleError(said if sample.id in said else f"{sample.id}: {said}") from None
    if number >= len(film):
        raise SampleError(f"{sample.id}: the film has {len(film)} frames; there is no {number}")
    return store("png").encode([film[number]], False)


def _films(folder: Path, spec: str) -> list[str]:
    found = sorted(
        os.path.relpath(file, folder)
        for file in folder.glob("*/*.mp4")
        if not file.name.startswith(".")
    )
    if not found:
        raise UsageError(f"{spec}: {folder} holds no films; expected <class>/<name>.mp4")
    return found
