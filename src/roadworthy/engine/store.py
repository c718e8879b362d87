"""The folder of a run: parts named by their request, manifests of samples, and one file per run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.engine.artifacts import Artifacts
from roadworthy.engine.files import sweep, write_whole
from roadworthy.engine.manifests import read_manifest, write_manifest
from roadworthy.engine.options import cores
from roadworthy.engine.parts import COLUMNS, DamagedPartError, Part, read_part, sealed, stamp_of
from roadworthy.engine.records import SCHEMA
from roadworthy.engine.versions import versions
from roadworthy.errors import UsageError
from roadworthy.seed import digest
from roadworthy.types import Sample

Pairs = set[tuple[str, str]]


@dataclass(frozen=True)
class Held:
    """The (sample id, content) pairs of one file: judged, and failed."""

    judged: Pairs
    failed: Pairs


class Store:
    """The folder of a run: parts, manifests of samples, and one JSON file per invocation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[tuple[Path, tuple[int, ...]], Part] = {}
        self._damaged: dict[tuple[Path, tuple[int, ...]], str] = {}
        self._held: dict[Part, Held] = {}

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open ``folder`` for writing; raises UsageError if it holds anything but a run of ours.

        Temporary files that dead processes left there are removed.
        """
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"output '{folder}' is a file; give a folder")
        try:
            if folder.is_dir():
                _refuse_foreign(folder)
            for name in ("runs", "records", "manifests"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            probe = folder / "runs" / f".tmp-{os.getpid()}-probe"
            probe.touch()
            probe.unlink(missing_ok=True)
            sweep(
                (
                    folder,
                    *folder.glob("*/"),
                    *folder.glob("records/*/"),
                    *folder.glob("artifacts/*/"),
                )
            )
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

    @cached_property
    def artifacts(self) -> Artifacts:
        """The adversarials that are kept here."""
        return Artifacts(self.folder)

    def write_bytes(self, relative: str, data: bytes) -> Path:
        """Write a file so that it is either there whole or not there."""
        path = self.folder / relative
        write_whole(path, data)
        return path

    def write_json(self, relative: str, value: Any) -> Path:
        """Write ``value`` as indented JSON, keys in the order given."""
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
        return self.write_bytes(relative, (text + "\n").encode())

    @cached_property
    def sequence(self) -> int:
        """Number of the newest invocation; what is written now is written for it."""
        return max((int(run["sequence"]) for run in self.runs()), default=0)

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
        about = {
            "key": key,
            "request": request,
            "sequence": self.sequence,
            "samples": len(samples),
            "columns": COLUMNS,
            **footer,
            "versions": versions(),
        }
        path = self.path_of(key)
        write_whole(path, sealed(rows, about), before_naming=_pause_for_test)
        return path

    def path_of(self, key: str) -> Path:
        """Where the part with this key is."""
        return self.folder / "records" / key[:2] / f"{key}.parquet"

    def parts(self) -> tuple[list[Part], list[Path]]:
        """Return the good parts in name order, and the files that are damaged or foreign.

        A part is left out where another file holds it too, as a compaction that was stopped
        half-way leaves them.
        """
        good, bad = self._files()
        covered = set(_covered(good))
        return [part for part in good if part not in covered], bad

    def set_aside(self) -> list[str]:
        """Rename damaged files so that they are no longer among the records; returns the names."""
        names = []
        for path in self._files()[1]:
            with suppress(OSError):
                path.rename(path.with_name(f"{path.name}.damaged"))
                names.append(f"{path.relative_to(self.folder)}.damaged")
        return names

    def covered(self) -> list[Part]:
        """Return the parts that one other file holds as well: nothing is lost without them."""
        return _covered(self._files()[0])

    def _files(self) -> tuple[list[Part], list[Path]]:
        paths = sorted((self.folder / "records").glob("*/[!.]*.parquet"))
        if len(paths) > 1:
            with ThreadPoolExecutor(cores()) as pool:
                found = list(pool.map(self._file, paths))
        else:
            found = list(map(self._file, paths))
        good = [part for part in found if isinstance(part, Part)]
        return good, [path for path, part in zip(paths, found, strict=True) if part is False]

    def _file(self, path: Path) -> Part | bool | None:
        """Return a good part, False for a file that is none, None for one that is gone."""
        try:
            stamp = stamp_of(path)
            if (path, stamp) not in self._known and (path, stamp) not in self._damaged:
                self._known[path, stamp] = read_part(path, stamp)
        except FileNotFoundError:
            return None  # somebody else has just compacted it
        except DamagedPartError as error:
            self._damaged[path, stamp] = str(error)
        return self._known.get((path, stamp), False)

    def held(self, parts: Iterable[Part]) -> dict[Part, Held]:
        """Return which samples each of ``parts`` holds; a part that has vanished holds none."""
        parts = list(parts)
        alike: dict[str, list[Part]] = {}
        for part in parts:
            if part not in self._held:
                alike.setdefault(_holding(part), []).append(part)
        self._look([group[0] for group in alike.values()])
        for first, *others in alike.values():
            if first in self._held:
                self._held |= dict.fromkeys(others, self._held[first])
            else:  # it has just vanished
                self._look(others)
        nothing = Held(set(), set())
        return {part: self._held.get(part, nothing) for part in parts}

    def _look(self, parts: Iterable[Part]) -> None:
        unknown = {str(part.path): part for part in parts}
        for path, rows in _pairs(list(unknown)):
            failed = set(rows.filter("failed").select("sample", "content").iter_rows())
            judged = set(rows.filter(~pl.col("failed")).select("sample", "content").iter_rows())
            self._held[unknown[path]] = Held(judged, failed - judged)

    def finished(self, requests: Iterable[str], *, retry_failed: bool = False) -> dict[str, Pairs]:
        """Return, for each request, the (sample id, content) pairs that need no more work.

        With ``retry_failed`` those that failed in an earlier invocation do need it.
        """
        done: dict[str, Pairs] = {request: set() for request in requests}
        wanted = [part for part in self.parts()[0] if part.request in done]
        for part, held in self.held(wanted).items():
            done[part.request] |= held.judged
            if not retry_failed or part.sequence >= self.sequence:
                done[part.request] |= held.failed
        return done

    def rows_of(self, parts: Sequence[Part]) -> pl.LazyFrame:
        """Return the rows of ``parts``, which are of one request, every sample from one of them.

        Where several hold a sample, one that judged it wins over one where it failed, and among
        those the newer one.
        """
        if not parts:
            return empty_rows().lazy()
        if len(parts) == 1:
            return pl.scan_parquet(parts[0].path, glob=False)
        held = self.held(parts)
        paths = [part.path for part in parts]
        count = sum(len(h.judged) + len(h.failed) for h in held.values())
        if len(set().union(*(h.judged | h.failed for h in held.values()))) == count:
            return pl.scan_parquet(paths, glob=False)
        winner: dict[tuple[str, str], Part] = {}
        for failed in (True, False):
            for part in sorted(parts, key=lambda part: (part.sequence, part.path.name)):
                pairs = held[part].failed if failed else held[part].judged
                winner.update(dict.fromkeys(pairs, part))
        chosen = pl.LazyFrame(
            [(*pair, str(part.path)) for pair, part in winner.items()],
            schema={"sample": pl.String, "content": pl.String, "_path": pl.String},
            orient="row",
        )
        rows = pl.scan_parquet(paths, glob=False, include_file_paths="_path")
        on = ["sample", "content", "_path"]
        return rows.join(chosen, on=on, how="semi", maintain_order="left").drop("_path")

    def runs(self) -> list[dict[str, Any]]:
        """Return what each invocation said of itself, oldest first, whatever the clock said."""
        found = []
        for path in (self.folder / "runs").glob("[!.]*.json"):
            try:
                run = json.loads(path.read_text(encoding="utf-8"))
                run["sequence"] = int(run.get("sequence", 0))
                if all(isinstance(run[key], list) for key in ("cells", "models", "data")):
                    found.append(run)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
        return sorted(found, key=lambda r: (r["sequence"], r.get("started", ""), r.get("id", "")))

    def write_manifest(self, samples: Sequence[Sample]) -> str:
        """Keep the ordered list of samples; returns its digest."""
        return write_manifest(self.folder / "manifests", samples)

    def manifest(self, name: str) -> pl.DataFrame:
        """Read a manifest: sample, content, position, columns (JSON)."""
        return read_manifest(self.folder / "manifests", name)


def _refuse_foreign(folder: Path) -> None:
    held = sorted(p.name for p in folder.iterdir())
    if held and not (folder / "runs").is_dir():
        raise UsageError(
            f"output '{folder}' holds something else ({', '.join(held[:3])}"
            f"{', …' if len(held) > 3 else ''}) and no roadworthy run; "
            f"nothing in it was touched. Choose a new or empty folder"
        )


def _covered(parts: Sequence[Part]) -> list[Part]:
    several = [part for part in parts if len(part.keys) > 1]
    return [part for part in parts if any(part.keys < other.keys for other in several)]


def _holding(part: Part) -> str:
    """Return a text that only parts of the same images share, none of which failed."""
    whole = part.standing is not None and part.same.get("status") == "ok"
    return f"standing {part.standing}" if whole else f"path {part.path}"


def _pairs(paths: list[str]) -> Iterable[tuple[str, pl.DataFrame]]:
    """Yield each path with the samples it holds and whether they failed."""
    if not paths:
        return
    wanted = ("_path", "sample", "content", (pl.col("status") == "failed").alias("failed"))
    try:
        rows = pl.scan_parquet(paths, glob=False, include_file_paths="_path").select(wanted)
        frame = rows.unique(maintain_order=True).collect()
    except (OSError, pl.exceptions.PolarsError):
        # One of them was compacted away just now; alone, the others can be read.
        if len(paths) > 1:
            for path in paths:
                yield from _pairs([path])
        return
    for (path,), rows_of_path in frame.partition_by("_path", as_dict=True).items():
        yield str(path), rows_of_path


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
