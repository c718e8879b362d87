"""Adversarial inputs as they were judged: one checked file for each part, found again by sample."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError
from roadworthy.seed import digest
from roadworthy.types import Sample

FOLDER = "artifacts"
SUFFIX = ".safetensors"
MARK = b'\\"blake2b\\": \\"'
DIGITS = 32
Pair = tuple[str, str]


@dataclass(frozen=True)
class Made:
    """What an attack under one setting made of some samples.

    ``x`` (attacked samples, 3, H, W) are the inputs of those that ``attacked`` (samples,) marks, the
    others were wrong when clean and are as they were. ``columns`` has an entry a sample of what it
    spent, and ``target``, None for untargeted attacks, the output that each was to be taken for.
    """

    x: NDArray[np.float32]
    attacked: NDArray[np.bool_]
    columns: Mapping[str, Any]
    target: NDArray[np.int64] | None = None

    def at(self, row: int) -> Made:
        """Return what was made of one sample."""
        start = int(self.attacked[:row].sum())
        return Made(
            self.x[start : start + int(self.attacked[row])],
            self.attacked[row : row + 1],
            {name: values[row : row + 1] for name, values in self.columns.items()},
            None if self.target is None else self.target[row : row + 1],
        )

    @staticmethod
    def joined(parts: Sequence[Made]) -> Made:
        """Return what was made of several lots of samples, of which there is at least one."""
        targets = [part.target for part in parts if part.target is not None]
        names = dict.fromkeys(name for part in parts for name in part.columns)
        return Made(
            np.concatenate([part.x for part in parts]),
            np.concatenate([part.attacked for part in parts]),
            {
                name: _column([(p.columns.get(name), len(p.attacked)) for p in parts])
                for name in names
            },
            np.concatenate(targets) if targets else None,
        )


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
        return {
            key: Made(
                x,
                np.array(entry["attacked"], bool),
                {name: _array(*value) for name, value in entry["columns"].items()},
                None if entry["target"] is None else np.array(entry["target"], np.int64),
            )
            for (key, entry), x in zip(
                self.about["settings"].items(), _ordered(load(data)), strict=True
            )
        }


class Artifacts:
    """The adversarials of a run by what crafted them; a file that is damaged counts as absent.

    Those that are ``frozen`` are only read.
    """

    def __init__(self, folder: Path, *, frozen: bool = False) -> None:
        self.folder, self.frozen = folder / FOLDER, frozen
        self._known: dict[tuple[Path, tuple[int, ...]], Artifact | None] = {}
        self._last: tuple[Path, dict[str, Made]] | None = None

    def craftings(self) -> list[str]:
        """Return the names of what crafted anything here."""
        return sorted(path.name for path in self.folder.glob("[!.]*/"))

    def files(self, crafting: str) -> tuple[list[Artifact], list[Path]]:
        """Return the good files of what ``crafting`` names, oldest first, and the damaged ones."""
        good, bad = [], []
        for path in sorted((self.folder / crafting).glob(f"[!.]*{SUFFIX}")):
            try:
                stat = path.stat()
                stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
                if (path, stamp) not in self._known:
                    self._known[path, stamp] = _opened(path)
            except OSError:
                continue
            found = self._known[path, stamp]
            if found is None:
                bad.append(path)
            else:
                good.append(found)
        return sorted(good, key=lambda one: (one.sequence, one.path.name)), bad

    def held(self, crafting: str) -> dict[Pair, Artifact]:
        """Return the newest file of each (sample id, content) of which something was made."""
        return {pair: one for one in self.files(crafting)[0] for pair in one.samples}

    def settled(self, crafting: str, *, retry: int | None = None) -> set[Pair]:
        """Return the samples that need no more crafting; those that failed before ``retry`` do."""
        files = self.files(crafting)[0]
        failed = (f for f in files if retry is None or f.sequence >= retry)
        return {pair for one in files for pair in one.samples} | {
            p for f in failed for p in f.failed
        }

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
                    "attacked": one.attacked.tolist(),
                    "target": None if one.target is None else one.target.tolist(),
                    "columns": {name: _listed(value) for name, value in one.columns.items()},
                }
                for key, one in made.items()
            },
        }
        self._last = None
        write_whole(path, sealed([one.x for one in made.values()], said))
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


def sealed(tensors: Sequence[NDArray[np.float32]], about: Mapping[str, Any]) -> bytes:
    """Return tensors as safetensors bytes, with ``about`` and a checksum of all of it inside."""
    from safetensors.numpy import save

    said = json.dumps({**about, "blake2b": "0" * DIGITS})
    named = {f"{number:04d}": np.ascontiguousarray(x) for number, x in enumerate(tensors)}
    data = bytearray(save(named, metadata={"roadworthy": said}))
    start = data.rindex(MARK, 0, _header(data)) + len(MARK)
    data[start : start + DIGITS] = _checksum(data)
    return bytes(data)


def intact(data: bytes) -> bool:
    """Whether the bytes that `sealed` made are still the same."""
    start = data.rfind(MARK, 0, _header(data)) + len(MARK)
    if start < len(MARK):
        return False
    blank = bytearray(data)
    blank[start : start + DIGITS] = b"0" * DIGITS
    return data[start : start + DIGITS] == _checksum(blank)


def _header(data: bytes | bytearray) -> int:
    """Return where the tensors begin."""
    return 8 + int.from_bytes(data[:8], "little")


def _checksum(data: bytearray) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGITS // 2).hexdigest().encode()


def _opened(path: Path) -> Artifact | None:
    """Return what a file says of itself, having made sure that every byte is good; None if not."""
    data = path.read_bytes()
    try:
        if not intact(data):
            return None
        about = json.loads(json.loads(data[8 : _header(data)])["__metadata__"]["roadworthy"])
        samples, failed = (
            tuple((str(name), str(content)) for name, content in about[key])
            for key in ("samples", "failed")
        )
        return Artifact(path, samples, failed, int(about["sequence"]), about)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoadworthyError(f"cannot read '{path}': {error.strerror or error}") from error


def _ordered(tensors: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    return [tensors[name] for name in sorted(tensors)]


def _listed(value: Any) -> tuple[str, list[Any]]:
    """Return a column as it is written: the type of its numbers, empty for a list, and its values."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tolist()
    return "", list(value)


def _column(parts: Sequence[tuple[Any, int]]) -> Any:
    """Join a column of several lots; where a lot has none its samples have nothing there."""
    if all(isinstance(values, np.ndarray) for values, _ in parts):
        return np.concatenate([values for values, _ in parts])
    lists = [[None] * count if values is None else list(values) for values, count in parts]
    return [value for part in lists for value in part]


def _array(dtype: str, values: list[Any]) -> Any:
    return np.array(values, dtype) if dtype else values
