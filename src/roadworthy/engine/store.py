"""Parts on disk: each is written once under the hash of its request, by temporary name and rename."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.engine.records import SCHEMA
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.seed import digest
from roadworthy.types import Sample

METADATA_KEY = "roadworthy"
OURS = ("runs", "records", "manifests", "artifacts")


@dataclass(frozen=True)
class Part:
    """One file of records: all variants of one request on some samples."""

    path: Path
    request: str
    footer: Mapping[str, Any]


class Store:
    """The folder of a run: parts, manifests of samples, and one JSON file per invocation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, Part] = {}
        self._done: dict[Path, set[tuple[str, str]]] = {}

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open ``folder`` for writing; raises UsageError if it holds anything but a run of ours."""
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"output '{folder}' is a file; give a folder")
        try:
            if folder.is_dir():
                held = sorted(p.name for p in folder.iterdir())
                if held and not (folder / "runs").is_dir():
                    raise UsageError(
                        f"output '{folder}' holds something else ({', '.join(held[:3])}"
                        f"{', …' if len(held) > 3 else ''}) and no roadworthy run; "
                        f"nothing in it was touched. Choose a new or empty folder"
                    )
            for name in ("runs", "records", "manifests"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            probe = folder / "runs" / f".tmp-{uuid.uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"cannot write to output '{folder}': {error.strerror or error}; "
                f"choose a folder you may write to"
            ) from error
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an existing run for reading; raises UsageError if there is none."""
        if not (folder / "runs").is_dir():
            raise UsageError(
                f"'{folder}' is no roadworthy run: it has no folder 'runs'. "
                f"Give the folder that was passed as -o to `roadworthy run`"
            )
        return cls(folder)

    def write_bytes(self, relative: str, data: bytes) -> Path:
        """Write a file so that it is either there whole or not there."""
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise RoadworthyError(
                f"cannot write '{path}': {error.strerror or error}; what was finished before is kept"
            ) from error
        return path

    def write_json(self, relative: str, value: Any) -> Path:
        """Write ``value`` as indented JSON, keys in the order given."""
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
        return self.write_bytes(relative, (text + "\n").encode())

    def write_part(
        self,
        request: str,
        samples: Sequence[Sample],
        rows: pl.DataFrame,
        *,
        footer: Mapping[str, Any],
    ) -> Path:
        """Keep the rows of ``samples`` under the key of (request, samples); returns the file."""
        key = digest(request, *(f"{s.id}\0{s.content}" for s in samples))
        path = self.folder / "records" / key[:2] / f"{key}.parquet"
        temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
        about = json.dumps({"key": key, "request": request, "samples": len(samples), **footer})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(temporary, compression="zstd", metadata={METADATA_KEY: about})
            _pause_for_test()
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise RoadworthyError(
                f"cannot write '{path}': {error.strerror or error}; finished parts are kept"
            ) from error
        return path

    def parts(self) -> tuple[list[Part], list[Path]]:
        """Return the readable parts in name order, and the files that are damaged or foreign."""
        good, bad = [], []
        for path in sorted((self.folder / "records").glob("*/*.parquet")):
            if path.name.startswith("."):
                continue
            if path not in self._known:
                try:
                    footer = json.loads(pl.read_parquet_metadata(path)[METADATA_KEY])
                    self._known[path] = Part(path, str(footer["request"]), footer)
                except Exception:
                    bad.append(path)
                    continue
            good.append(self._known[path])
        return good, bad

    def finished(self, requests: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
        """Return, for each request, the (sample id, content) pairs that need no more work."""
        done: dict[str, set[tuple[str, str]]] = {request: set() for request in requests}
        for part in self.parts()[0]:
            if part.request not in done:
                continue
            if part.path not in self._done:
                try:
                    rows = pl.read_parquet(part.path, columns=["sample", "content"]).unique()
                except Exception:
                    continue
                self._done[part.path] = set(rows.iter_rows())
            done[part.request] |= self._done[part.path]
        return done

    def runs(self) -> list[dict[str, Any]]:
        """Return what each invocation said of itself, oldest first."""
        found = []
        for path in (self.folder / "runs").glob("*.json"):
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError):
                continue
        return sorted(found, key=lambda run: (run.get("started", ""), run.get("id", "")))

    def write_manifest(self, samples: Sequence[Sample]) -> str:
        """Keep the ordered list of samples; returns its digest."""
        name = digest(*(f"{s.id}\0{s.content}" for s in samples))
        frame = pl.DataFrame(
            {
                "sample": [s.id for s in samples],
                "content": [s.content for s in samples],
                "position": range(len(samples)),
                "columns": [json.dumps(dict(s.columns), default=str) for s in samples],
            },
            schema={
                "sample": pl.String,
                "content": pl.String,
                "position": pl.Int64,
                "columns": pl.String,
            },
        )
        path = self.folder / "manifests" / f"{name}.parquet"
        if not path.exists():
            temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
            frame.write_parquet(temporary, compression="zstd")
            os.replace(temporary, path)
        return name

    def manifest(self, name: str) -> pl.DataFrame:
        """Read a manifest: sample, content, position, columns (JSON)."""
        return pl.read_parquet(self.folder / "manifests" / f"{name}.parquet")


def _pause_for_test() -> None:
    """Wait between temporary file and name, so that a test can kill the process there.

    ``ROADWORTHY_TEST_PAUSE=FILE`` creates FILE and waits a minute.
    """
    marker = os.environ.get("ROADWORTHY_TEST_PAUSE")
    if marker:
        Path(marker).touch()
        time.sleep(60)


def empty_rows() -> pl.DataFrame:
    """Return a frame of records without rows."""
    return pl.DataFrame(schema=SCHEMA)
