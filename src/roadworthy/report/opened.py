"""One run as the page sees it: its summary as it stands on disk where that is still true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.errors import RoadworthyError
from roadworthy.report.problems import problems_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from roadworthy.engine.adversarials import Made
    from roadworthy.report.quiz.answers import Sheet
    from roadworthy.report.view import Ranks
    from roadworthy.run import Run

MADE_FROM = ("runs/*.json", "manifests/*", "records/*/*.parquet")
WRITTEN_BY_PAGE = ("reliability", "frames", "images")
"""What a summary of an earlier version lacks."""


class Opened:
    """Implements ``View`` for one run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.run.folder

    @property
    def runs(self) -> list[dict[str, Any]]:
        """What each invocation said of itself."""
        return self.run.runs

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds, if it is newer than all that it is made from; else made anew."""
        return saved(self.folder) or self.run.summary

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """One entry for each image that failed, with its reasons."""
        return list(_lines(self.folder / "failures.jsonl"))

    @cached_property
    def problems(self) -> list[str]:
        """What a reader must know of the run itself: unfinished, damaged, empty, of its answers."""
        return [*problems_of(self.run), *self._answers[1]]

    @property
    def answers(self) -> list[Sheet]:
        """What people said of subsets that the run holds."""
        return self._answers[0]

    @cached_property
    def _answers(self) -> tuple[list[Sheet], list[str]]:
        """Return the files of answers that are kept, and what is wrong with others."""
        from roadworthy.report.quiz.answers import files_in, read

        sheets, problems = [], []
        for path in files_in(self.folder):
            try:
                sheets.append(read(path))
            except RoadworthyError as error:
                problems.append(f"{error}, or remove it; it is left out.")
        return sheets, problems

    def rows(self, wanted: Callable[[str], bool] | None = None) -> pl.DataFrame:
        """Return the records of all stresses, or of those ``wanted``."""
        import polars as pl

        from roadworthy.engine.store import empty_rows

        if wanted is None:
            return self.run.rows()
        cells = [cell for cell in self.run.cells if wanted(cell.stress)]
        return pl.concat([empty_rows(), *map(self.run.rows_of, cells)], how="diagonal")

    @property
    def cache(self) -> Path | None:
        """A folder in which what was measured of images may be kept."""
        return self.folder

    def listed(self, data: str) -> pl.DataFrame:
        """Return sample and columns (JSON) of the samples of a data set; empty where unknown."""
        import polars as pl

        names = dict.fromkeys(cell.manifest for cell in self.run.cells if cell.data == data)
        found = [pl.DataFrame(schema={"sample": pl.String, "columns": pl.String})]
        for name in reversed(names):
            try:
                found.append(self.run.store.manifest(name).select("sample", "columns"))
            except RoadworthyError:
                continue  # the run itself says what is damaged
        return pl.concat(found).unique("sample", keep="first", maintain_order=True)

    def image(self, data: str, sample: str) -> bytes | None:
        """Return the encoded bytes of one sample; None where it is gone."""
        return self.run.image(data, sample)

    def artifact(self, entry: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """Return what an attack made of a sample, (3, H, W) in 0 to 1; None where it was not kept."""
        made = self._kept(entry).get(str(entry.get("variant")))
        return None if made is None or not made.made[0] else made.x[0]

    def ranked(self, entry: Mapping[str, Any]) -> Ranks | None:
        """Return what a model made of a sample, by what was wanted of it; None where it is gone."""
        found = {name: one.arrays for name, one in self._kept(entry).items() if one.made[0]}
        return found or None

    def _kept(self, entry: Mapping[str, Any]) -> dict[str, Made]:
        """Return what is kept of the sample of ``entry``; nothing where it is gone or damaged."""
        try:
            return self.run.store.artifacts.of(entry)
        except (RoadworthyError, ImportError, LookupError):
            return {}

    def class_name(self, model: str, label: int) -> str:
        """Return the name of output ``label`` of ``model``."""
        return self.run.class_name(model, label)


def saved(folder: Path) -> dict[str, Any] | None:
    """Return ``summary.json`` if nothing that it is made from is newer, and it is of this version."""
    from roadworthy.engine.versions import versions

    path = folder / "summary.json"
    try:
        stamp = path.stat().st_mtime_ns
        made_from = (p for pattern in MADE_FROM for p in folder.glob(pattern))
        if any(one.stat().st_mtime_ns >= stamp for one in made_from):
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        known = found["run"]["roadworthy"] == versions().get("roadworthy")
        whole = all(isinstance(found[key], list) for key in ("rows", *WRITTEN_BY_PAGE))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if known and whole else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            yield entry
