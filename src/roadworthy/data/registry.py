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


def open_data(text_or_spec: str | Spec, *, base: Path | None = None) -> Dataset:
    """Open the data set that a spec names: ``csv:val/labels.csv(label=synset)``, ``demo/photos``.

    Relative paths start at ``base``, else at the working folder; ``~`` is the home folder. The
    data set carries the canonical text as its ``spec``, with the path as it was written. Raises
    UsageError for an unknown reader or parameter, and where the reader finds nothing to measure.
    """
    from roadworthy.binding import bind, canonical
    from roadworthy.spec import parse

    spec = parse(text_or_spec) if isinstance(text_or_spec, str) else text_or_spec
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
        raise UsageError(f"{text}: no path; expected {name}:PATH, such as {name}:{_example(name)}")
    if spec.path is not None:  # else what follows is one of the reader's own names, not a file
        path = os.fspath((base or Path()) / os.path.expanduser(path))
    opened = definition.function(path, **values)
    if isinstance(opened, Images):
        return replace(opened, spec=text)
    return Images(text, opened.classes, opened.samples, opened.read)


def _example(name: str) -> str:
    return {"csv": "labels.csv", "parquet": "test.parquet", "arrays": "test.npz"}.get(name, "DIR")


def _unknown(text: str, name: str) -> str:
    """Explain an unknown reader; a bare path is shown with the reader it needs."""
    message = f"no data set is called '{name}'{did_you_mean(name, DATA)}"
    place = Path(os.path.expanduser(text))
    try:
        if place.is_dir():
            shards = any(file.suffix == ".parquet" for file in place.iterdir())
            return f"{message}; {text} is a folder: {'parquet' if shards else 'imagefolder'}:{text}"
        if place.is_file():
            kinds = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".npz": "arrays"}
            reader = kinds.get(place.suffix.lower())
            return f"{message}; {text} is a file{f': {reader}:{text}' if reader else ''}"
    except (OSError, ValueError):
        pass
    return f"{message}; expected {', '.join(DATA)} (`roadworthy ls data` shows them)"
