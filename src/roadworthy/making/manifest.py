"""The manifest of a folder that was made: a line with a checksum for each file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.engine.files import cannot_write, write_whole

FILES, FAILURES = "manifest.jsonl", "failures.jsonl"


@dataclass(frozen=True)
class Record:
    """One file: what is in it, ``key`` for all that decides about its bytes, and their SHA-256.

    ``subset`` are facts about a subset of the pixels, where that is what is shown.
    """

    file: str
    sha256: str
    size: int
    sample: str | None
    label: int | None
    content: str | None
    stress: str
    variant: str
    key: str
    subset: Mapping[str, Any] | None = None

    @property
    def line(self) -> str:
        """The record as a line of the manifest."""
        told = {k: v for k, v in vars(self).items() if k != "subset" or v is not None}
        return json.dumps(told, ensure_ascii=False)


def checksum(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as ``sha256sum`` prints it."""
    return hashlib.sha256(data).hexdigest()


def checksum_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


class Manifest:
    """The files of a folder. Lines are added as files are made; `close` sorts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = {record.file: record for record in _read(folder / FILES)}

    def add(self, records: Iterable[Record]) -> None:
        """Note files that are now there; whoever is killed after this has not made them in vain."""
        lines = []
        for record in records:
            self.records[record.file] = record
            lines.append(record.line)
        if not lines:
            return
        path = self.folder / FILES
        try:
            with path.open("a", encoding="utf-8") as file:
                # A line that a killed writer left half-written ends here.
                file.write("\n" + "\n".join(lines) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from error

    def close(self, failures: Mapping[str, str]) -> None:
        """Write all lines sorted by file, each once, and the samples that failed."""
        records = sorted(self.records.values(), key=lambda record: record.file)
        write_whole(self.folder / FILES, "".join(f"{one.line}\n" for one in records).encode())
        failed = [
            json.dumps({"sample": sample, "reason": reason}, ensure_ascii=False)
            for sample, reason in sorted(failures.items())
        ]
        write_whole(self.folder / FAILURES, "".join(f"{line}\n" for line in failed).encode())


def _read(path: Path) -> Iterable[Record]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            record = Record(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            continue  # half a line, or not ours: the file it was about is made again
        if isinstance(record.file, str):
            yield record
