"""What models made of samples, kept: one checked file for each part, found again by sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.engine.adversarials import (
    Made,
    array_of,
    header_of,
    intact,
    listed,
    ordered,
    sealed,
)
from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError
from roadworthy.seed import digest
from roadworthy.types import Sample

FOLDER = "artifacts"
SUFFIX = ".safetensors"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Artifact:
    """One file: what was made of ``samples`` under every setting, and of which ``failed`` nothing."""

    path: Path
    samples: tuple[Pair, ...]
    failed: tuple[Pair, ...]
    sequence: int
    about: Mapping[str, Any] = field(repr=False)

    @cached_property
    def rows(self) -> Mapping[Pair, int]:
        """Where each sample stands."""
        return {pair: row for row, pair in enumerate(self.samples)}

    def read(self) -> dict[str, Made]:
        """Return what is in the file by the key of the setting; raises RoadworthyError if damaged."""
        from safetensors.numpy import load

        data = _read(self.path)
        if not intact(data):
            raise RoadworthyError(f"'{self.path}': its bytes are not those that were written")
        tensors = iter(ordered(load(data)))
        return {
            key: Made(
                {name: next(tensors) for name in entry.get("arrays", ["x"])},
                np.array(entry["made"], bool),
                {name: array_of(*value) for name, value in entry["columns"].items()},
                None if entry["target"] is None else np.array(entry["target"], np.int64),
            )
            for key, entry in self.about["settings"].items()
        }


@dataclass
class _Index:
    """The files of what one name crafted: the good ones, oldest first, and the damaged."""

    stamp: int
    good: list[Artifact] = field(default_factory=list)
    bad: list[Path] = field(default_factory=list)
    held: dict[Pair, Artifact] = field(default_factory=dict)

    def add(self, path: Path, one: Artifact | None) -> None:
        """Add a file, for one of the same name if it was there; None is a damaged one."""
        if one is None:
            self.bad.append(path)
            return
        kept = [other for other in self.good if other.path != path]
        self.good = sorted([*kept, one], key=lambda file: (file.sequence, file.path.name))
        for pair in one.samples:
            other = self.held.get(pair)
            if other is None or other.path == path or other.sequence <= one.sequence:
                self.held[pair] = one


class Artifacts:
    """The adversarials of a run by what crafted them; a file that is damaged counts as absent.

    Those that are ``frozen`` are only read.
    """

    def __init__(self, folder: Path, *, frozen: bool = False) -> None:
        self.folder, self.frozen = folder / FOLDER, frozen
        self._indices: dict[str, _Index] = {}
        self._last: tuple[Path, dict[str, Made]] | None = None

    def craftings(self) -> list[str]:
        """Return the names of what crafted anything here."""
        return sorted(path.name for path in self.folder.glob("[!.]*/"))

    def files(self, crafting: str) -> tuple[list[Artifact], list[Path]]:
        """Return the good files of what ``crafting`` names, oldest first, and the damaged ones."""
        index = self._index(crafting)
        return index.good, index.bad

    def held(self, crafting: str) -> Mapping[Pair, Artifact]:
        """Return the newest file of each (sample id, content) of which something was made."""
        return self._index(crafting).held

    def settled(self, crafting: str, *, retry: int | None = None) -> set[Pair]:
        """Return the samples that need no more crafting; those that failed before ``retry`` do."""
        index = self._index(crafting)
        failed = (f for f in index.good if retry is None or f.sequence >= retry)
        return {*index.held, *(pair for one in failed for pair in one.failed)}

    def _index(self, crafting: str) -> _Index:
        """Return what is there, looked for again where a file came or went since."""
        stamp = self._stamp(crafting)
        known = self._indices.get(crafting)
        if known is None or known.stamp != stamp:
            known = self._indices[crafting] = _Index(stamp)
            for path in sorted((self.folder / crafting).glob(f"[!.]*{SUFFIX}")):
                try:
                    known.add(path, _opened(path))
                except OSError:
                    continue
        return known

    def _stamp(self, crafting: str) -> int:
        try:
            return (self.folder / crafting).stat().st_mtime_ns
        except OSError:
            return 0

    def of(self, record: Mapping[str, Any]) -> dict[str, Made]:
        """Return what was made of the sample of a record, from the file that it names as ``artifact``.

        Nothing where that is gone; raises RoadworthyError where it is damaged.
        """
        pair = (str(record.get("sample")), str(record.get("content")))
        crafting = Path(str(record.get("artifact") or "")).parent.name
        file = self.held(crafting).get(pair) if crafting else None
        if file is None:
            return {}
        return {name: made.at(file.rows[pair]) for name, made in self.read(file).items()}

    def read(self, one: Artifact) -> dict[str, Made]:
        """Return what a file holds; the last one is remembered."""
        if self._last is None or self._last[0] != one.path:
            self._last = (one.path, one.read())
        return self._last[1]

    def write(
        self,
        crafting: str,
        samples: Sequence[Sample],
        made: Mapping[str, Made],
        failed: Sequence[Sample],
        *,
        sequence: int,
        about: Mapping[str, Any],
    ) -> Path:
        """Keep what was made of ``samples``, and of which samples nothing could be made.

        The name of the file follows from what crafted them and from them.
        """
        self.folder.mkdir(exist_ok=True)
        path = self.path_of(crafting, [*samples, *failed])
        said = {
            **about,
            "crafting": crafting,
            "sequence": sequence,
            "samples": [(s.id, s.content) for s in samples],
            "failed": [(s.id, s.content) for s in failed],
            "settings": {
                key: {
                    "arrays": list(one.arrays),
                    "made": one.made.tolist(),
                    "target": None if one.target is None else one.target.tolist(),
                    "columns": {name: listed(value) for name, value in one.columns.items()},
                }
                for key, one in made.items()
            },
        }
        index, self._last = self._index(crafting), None
        tensors = [values for one in made.values() for values in one.arrays.values()]
        write_whole(path, sealed(tensors, said))
        index.add(path, _described(path, said))
        index.stamp = self._stamp(crafting)
        return path

    def path_of(self, crafting: str, samples: Iterable[Sample]) -> Path:
        """Where what ``crafting`` names made of ``samples`` is kept."""
        key = digest(crafting, *(f"{s.id}\0{s.content}" for s in samples))
        return self.folder / crafting / f"{key}{SUFFIX}"

    def set_aside(self, craftings: Iterable[str]) -> list[str]:
        """Rename damaged files so that what they held is crafted again; returns the names."""
        names = []
        for crafting in dict.fromkeys(craftings):
            for path in self.files(crafting)[1]:
                with suppress(OSError):
                    path.rename(path.with_name(f"{path.name}.damaged"))
                    names.append(f"{path.relative_to(self.folder.parent)}.damaged")
        return names


def _opened(path: Path) -> Artifact | None:
    """Return what a file says of itself, having made sure that every byte is good; None if not."""
    data = path.read_bytes()
    try:
        if not intact(data):
            return None
        header = json.loads(data[8 : header_of(data)])
        return _described(path, json.loads(header["__metadata__"]["roadworthy"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _described(path: Path, about: Mapping[str, Any]) -> Artifact:
    samples, failed = (
        tuple((str(name), str(content)) for name, content in about[key])
        for key in ("samples", "failed")
    )
    return Artifact(path, samples, failed, int(about["sequence"]), about)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoadworthyError(f"cannot read '{path}': {error.strerror or error}") from error
