"""ImageNet-P as it is published: a film for each perturbation and image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from roadworthy.data.base import Films, Images, content_of, dataset
from roadworthy.data.files import existing, printable, read_file
from roadworthy.data.readers.imagefolder import class_folders, number_folders
from roadworthy.data.remember import content_digests
from roadworthy.data.stored import (
    NOISE_FILMS,
    OTHER_FILMS,
    PERTURBATIONS,
    Names,
    check_same,
    names_of,
    places,
)
from roadworthy.errors import RoadworthyError, SampleError, UsageError, did_you_mean
from roadworthy.stores import store
from roadworthy.types import Dataset, Image, Sample

LONGEST_FILM = 1000
"""Frames."""


@dataset
def imagenet_p(
    path: str,
    *,
    perturbations: Names | None = None,
    difficulty: int = 1,
    frame: int = 0,
    classes: int | None = None,
) -> Dataset:
    """Read the films ``<perturbation>/<class>/<name>.mp4``, each judged as one sequence.

    All ten ``perturbations`` are expected; name some for a part, as in
    ``imagenet_p:DIR(perturbations=[tilt, scale])``. Every frame is compared with the one
    ``difficulty`` (1, 2 or 3) before it, films of noise with their first frame; harder noise is read
    from ``gaussian_noise_2`` and so on. Frame number ``frame`` stands for the film where one image
    is wanted. Every sample has the columns ``perturbation`` and ``image``; a run takes each
    perturbation as a data set of its own. Needs the package av. Raises UsageError where a part is
    missing or holds other films than the first, and SampleError for films that cannot be read.
    Hendrycks & Dietterich, ICLR 2019.
    """
    spec = f"imagenet_p:{path}"
    if not 0 <= frame < LONGEST_FILM:
        raise UsageError(f"{spec}: frame is 0 (the first) to {LONGEST_FILM - 1}, not {frame}")
    if difficulty not in (1, 2, 3):
        raise UsageError(f"{spec}: difficulty is 1, 2 or 3, not {difficulty}")
    store("mp4")  # says at once where the package for films is missing
    root = existing(path, "imagenet_p", folder=True).absolute()
    names = names_of(perturbations, PERTURBATIONS, what="perturbation", spec=spec)
    folder_of = {name: _folder(name, difficulty) for name in names}
    where = places(root, list(folder_of.values()), suffix="", what="perturbation", spec=spec)
    _check_known(names, spec)
    folders = class_folders(where[folder_of[names[0]]], f"{spec}/{names[0]}")
    labels, meaning = number_folders(folders, spec, classes)
    label_of = dict(zip(folders, labels, strict=True))
    films = {name: _films(where[folder_of[name]], spec) for name in names}
    check_same(films, spec=spec)
    samples = []
    for name, files in films.items():
        paths = [os.path.join(where[folder_of[name]], file) for file in files]
        stride = None if name in NOISE_FILMS else difficulty
        for file, place, digest in zip(files, paths, content_digests(paths), strict=True):
            label = label_of[file.split(os.sep, 1)[0]]
            image = printable(file).replace(os.sep, "/")
            content = content_of(f"{digest or 'unreadable'}#{frame}", label)
            columns = {"perturbation": name, "image": image}
            sample = image if len(films) == 1 else f"{name}/{image}"
            samples.append(Sample(sample, label, content, (place, frame, stride), columns))
    return Images(spec, meaning, samples, _frame, "untouched", Films(_film, _stride))


def _folder(name: str, difficulty: int) -> str:
    return f"{name}_{difficulty}" if name in NOISE_FILMS and difficulty > 1 else name


def _check_known(names: Sequence[str], spec: str) -> None:
    known = dict.fromkeys((*PERTURBATIONS, *OTHER_FILMS))
    for name in names:
        if name not in known:
            raise UsageError(
                f"{spec}: '{name}' is no published perturbation{did_you_mean(name, known)}, so "
                f"nothing says which of its frames are compared; expected {', '.join(known)} "
                f"(of harder noise the folder gaussian_noise_2 is read with difficulty=2)"
            )


def _film(sample: Sample) -> list[Image]:
    place, *_ = sample.location
    try:
        film = store("mp4").decode(read_file(replace(sample, location=place)))
    except RoadworthyError as error:
        said = str(error)
        raise SampleError(said if sample.id in said else f"{sample.id}: {said}") from None
    if len(film) > LONGEST_FILM:
        raise SampleError(f"{sample.id}: the film has {len(film)} frames, over {LONGEST_FILM}")
    return film


def _stride(sample: Sample) -> int | None:
    stride: int | None = sample.location[2]
    return stride


def _frame(sample: Sample) -> bytes:
    film, number = _film(sample), sample.location[1]
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
