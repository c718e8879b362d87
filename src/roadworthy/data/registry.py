"""The readers of labelled images by name, and opening a data set from the text that names it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.data.base import DataDefinition, Images
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Registry
from roadworthy.types import Dataset

if TYPE_CHECKING:
    from roadworthy.spec import Spec

DATA = Registry("data set", DataDefinition, ("roadworthy.data.readers",), "roadworthy.data")

_EXAMPLES = {
    "arrays": "arrays:FILE.npz",
    "cifar_c": "cifar_c:DIR",
    "csv": "csv:FILE.csv",
    "demo": "demo/photos",
    "imagefolder": "imagefolder:DIR",
    "imagenet_c": "imagenet_c:DIR",
    "imagenet_p": "imagenet_p:DIR",
    "imagenet_s": "imagenet_s:DIR",
    "parquet": "parquet:FILE.parquet or parquet:DIR",
}


def open_data(text_or_spec: str | Spec, *, base: Path | None = None) -> Dataset:
    """Open the data set that a spec names: ``csv:val/labels.csv(label=synset)``, ``demo/photos``.

    Relative paths start at ``base``, else at the working folder; ``~`` is the home folder. The
    data set carries the canonical text as its ``spec``, with the path as it was written. Raises
    UsageError for an unknown reader or parameter, and where the reader finds nothing to measure.
    """
    from roadworthy.binding import bind, canonical
    from roadworthy.spec import SpecError, parse

    try:
        spec = parse(text_or_spec) if isinstance(text_or_spec, str) else text_or_spec
    except SpecError as error:
        hint = _as_path(str(text_or_spec))
        raise UsageError(f"{error}\n{hint}") if hint else error from None
    name, path = spec.name, spec.path
    if name not in DATA and path is None:  # demo/photos: the reader demo, asked for photos
        name, _, path = spec.name.partition("/")
    if name not in DATA:
        raise UsageError(_unknown(str(spec), name))
    definition = DATA.get(name)
    kind = f"data set '{name}'"
    values = bind(spec, definition.parameters, kind=kind)
    text = str(canonical(spec, definition.parameters, kind=kind))
    if not path:
        raise UsageError(f"{text}: no path; expected {_EXAMPLES.get(name, f'{name}:PATH')}")
    if spec.path is not None:  # else what follows is one of the reader's own names, not a file
        path = os.fspath((base or Path()) / os.path.expanduser(path))
    opened = definition.function(path, **values)
    if isinstance(opened, Images):
        return replace(opened, spec=text)
    return Images(text, opened.classes, opened.samples, opened.read)


def _unknown(text: str, name: str) -> str:
    listed = f"expected one of {', '.join(DATA)} (`roadworthy ls data` shows them)"
    return f"no data set is called '{name}'{did_you_mean(name, DATA)}; {_as_path(text) or listed}"


def _as_path(text: str) -> str:
    """Say which reader a bare path needs; an empty text where it is no path."""
    place = Path(os.path.expanduser(text))
    try:
        if place.is_dir():
            shards = any(file.suffix == ".parquet" for file in place.iterdir())
            return f"{text} is a folder: write {'parquet' if shards else 'imagefolder'}:{text}"
        if place.is_file():
            kinds = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".npz": "arrays"}
            reader = kinds.get(place.suffix.lower(), "READER")
            return f"{text} is a file: write {reader}:{text}"
    except (OSError, ValueError):
        pass
    return ""
