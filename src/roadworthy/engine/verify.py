"""Does a run reproduce: checksums of all its parts, and random rows judged once more."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, chdir, nullcontext
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from roadworthy.engine.artifacts import Artifacts
from roadworthy.engine.compare_rows import differences
from roadworthy.engine.options import Options
from roadworthy.engine.parts import Part
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.run import CellRecord, Run
from roadworthy.stress.reference import clean_of, is_clean

SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """One value that is not what it was."""

    sample: str
    data: str
    model: str
    stress: str
    variant: str
    column: str
    recorded: Any
    again: Any

    def __str__(self) -> str:
        """Return the difference as a line for people."""
        under = f"{self.stress} {self.variant}".strip()
        return (
            f'"{self.sample}" under {under} by {self.model}: {self.column} was '
            f"{self.recorded!r}, is now {self.again!r}"
        )


@dataclass
class Findings:
    """What verification found; `passed` if everything that could be checked reproduces."""

    folder: Path
    parts: int
    damaged: list[str]
    rows: int = 0
    artifacts: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is damaged and every row that was judged again is the same."""
        return not self.damaged and not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "passed": self.passed,
            "parts": self.parts,
            "damaged": self.damaged,
            "artifacts": self.artifacts,
            "rows": self.rows,
            "differences": [vars(d) for d in self.differences],
            "not_checked": self.not_checked,
        }

    def text(self) -> str:
        """Return the findings as lines for people."""
        lines = [f"{self.parts} files of records have the checksum they were written with"]
        if self.artifacts:
            lines.append(f"{self.artifacts} files of what models made have theirs, too")
        lines += [f"damaged: {path}" for path in self.damaged]
        lines += [f"not checked: {reason}" for reason in self.not_checked]
        lines += [f"differs: {difference}" for difference in self.differences[:SHOWN]]
        if len(self.differences) > SHOWN:
            lines.append(f"… and {len(self.differences) - SHOWN} more values; --json has them all")
        wrong = len({(d.sample, d.data, d.model, d.stress, d.variant) for d in self.differences})
        lines.append(f"{self.rows - wrong} of {self.rows} rows that were judged again reproduce")
        if self.damaged:
            lines.append("the command of the run judges again what damaged files held")
        return "\n".join(lines)


def verify(folder: str | Path, *, rows: int = 32, seed: int = 0) -> Findings:
    """Check every file of a run, and judge ``rows`` random records again from specs and images.

    Models and data are loaded anew as the invocation named them, in its folder and with its options;
    only the chosen samples go through the engine, into a temporary folder. Models that were live
    objects cannot be loaded, which is said. Raises UsageError where there is no run.
    """
    if rows < 0:
        raise UsageError(f"rows to judge again (-k) must be at least 0, not {rows}")
    run = Run(folder)
    if not run.runs:
        raise UsageError(
            f"'{folder}' holds no invocation that can be read; there is no run to verify"
        )
    good, _ = run.store.parts()
    damaged = [*map(str, run.damaged), *_gone(run, good)]
    findings = Findings(run.folder, len(good), damaged)
    run.store.artifacts = Artifacts(run.folder, frozen=True)
    _check_artifacts(run, findings)
    chosen = _chosen(run, rows, seed)
    with tempfile.TemporaryDirectory(prefix="roadworthy-verify-") as temporary:
        for cell, recorded in chosen:
            try:
                again = _again(run, cell, recorded, Path(temporary))
            except RoadworthyError as error:
                findings.not_checked.append(f"{cell.stress} by {cell.model}: {error}")
                continue
            findings.rows += len(recorded)
            findings.differences.extend(_compared(cell, recorded, again))
    return findings


def _gone(run: Run, good: Sequence[Part]) -> Iterator[str]:
    """Yield the cells that lack images which an invocation had written down, in files that are gone."""
    present: dict[str, set[str]] = {}
    for part in good:
        present.setdefault(part.request, set()).update(key for key, _ in part.keys)
    for cell, judged, wanted in run.unfinished:
        listed = {key for about in run.runs for key in _listed(about, cell.request)}
        lost = listed - present.get(cell.request, set())
        if any(not run.store.path_of(key).exists() for key in lost):  # else it is damaged
            left = f"those of {judged} of {wanted} images are left"
            yield f"records of {_in_words(cell)}: gone; {left}"


def _listed(about: dict[str, Any], request: str) -> list[str]:
    """Return the files that an invocation left for a request; earlier versions did not say whose."""
    parts = about.get("parts")
    return list(map(str, parts.get(request, []))) if isinstance(parts, dict) else []


def _check_artifacts(run: Run, findings: Findings) -> None:
    """Check every file of adversarials, and that there is one for every record that names one."""
    kept = run.store.artifacts
    for crafting in kept.craftings():
        good, bad = kept.files(crafting)
        findings.artifacts += len(good)
        findings.damaged += [str(path) for path in bad]
    for cell in run.cells:
        if not (rows := _without_input(run, run.rows_of(cell))).is_empty():
            findings.damaged.append(f"{len(rows)} inputs of {_in_words(cell)}: gone")


def _in_words(cell: CellRecord) -> str:
    return f"{cell.stress} on {cell.source or cell.model}, judged by {cell.model}"


def _without_input(run: Run, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the records whose adversarial was kept and is there no more."""
    named = rows.filter(pl.col("artifact").is_not_null())
    held = {
        crafting: run.store.artifacts.held(crafting)
        for crafting in named["artifact"].str.split("/").list.get(1).unique()
    }
    gone = [
        (sample, content) not in held[path.split("/")[1]]
        for sample, content, path in named.select("sample", "content", "artifact").iter_rows()
    ]
    return named.filter(pl.Series(gone, dtype=pl.Boolean))


def _chosen(run: Run, count: int, seed: int) -> list[tuple[CellRecord, pl.DataFrame]]:
    """Draw rows from all cells alike; rows of cells whose files are damaged cannot be drawn."""
    every = [(cell, run.rows_of(cell)) for cell in run.cells]
    on = ["sample", "content", "variant"]
    frames = [(c, rows.join(_without_input(run, rows), on=on, how="anti")) for c, rows in every]
    total = sum(len(frame) for _, frame in frames)
    drawn = np.random.default_rng(seed).choice(total, size=min(count, total), replace=False)
    found, start = [], 0
    for cell, frame in frames:
        mine = np.sort(drawn[(drawn >= start) & (drawn < start + len(frame))]) - start
        start += len(frame)
        if len(mine):
            found.append((cell, frame[mine.tolist()]))
    return found


def _again(run: Run, cell: CellRecord, recorded: pl.DataFrame, temporary: Path) -> pl.DataFrame:
    """Judge the samples of ``recorded`` again and return all rows of the cell on them.

    Adversarials that were kept are taken as they are, others are made again.
    """
    from roadworthy.engine.execute import Engine
    from roadworthy.engine.live import Quiet
    from roadworthy.engine.plan import Plan
    from roadworthy.engine.store import Store
    from roadworthy.evaluation import prepare

    about = next(r for r in reversed(run.runs) if cell.request in _requests(r))
    store = Store.create(temporary.resolve() / cell.request)
    store.artifacts = run.store.artifacts
    with _inside(about.get("folder")):
        options = _options(about)
        # The model first whose frame it is; attacks say which frames ``clean`` is judged in.
        models = dict.fromkeys((cell.frame or cell.model, cell.source or cell.model, cell.model))
        stresses = about["stresses"] if cell.source and is_clean(cell.stress) else [cell.stress]
        prepared = prepare(list(models), cell.data, stresses, options)
        wanted = set(recorded.select("sample", "content").iter_rows())
        same = [
            planned
            for planned in prepared.plan.cells
            if planned.stress.spec in (cell.stress, clean_of(cell.stress))
            and (planned.judge.spec, planned.owner) == (cell.model, cell.frame)
            and (is_clean(planned.stress.spec) or planned.made_by == cell.source)
        ]
        if not any(planned.stress.spec == cell.stress for planned in same):
            raise RoadworthyError("it cannot run here any more")
        source = same[0].source
        samples = tuple(s for s in source.dataset.samples if (s.id, s.content) in wanted)
        source = replace(source, samples=samples)
        Engine(store, options, Quiet()).run(
            Plan(tuple(replace(planned, source=source) for planned in same), ())
        )
    request = next(p.request for p in same if p.stress.spec == cell.stress)
    return store.rows_of([p for p in store.parts()[0] if p.request == request]).collect()


def _compared(
    cell: CellRecord, recorded: pl.DataFrame, again: pl.DataFrame
) -> Iterator[Difference]:
    key = ("sample", "content", "variant")
    found = {tuple(row[k] for k in key): row for row in again.iter_rows(named=True)}
    ids = {row["sample"] for row in found.values()}
    for row in recorded.iter_rows(named=True):
        where = (row["sample"], cell.data, cell.model, cell.stress, row["variant"])
        new = found.get(tuple(row[k] for k in key))
        if new is not None:
            for column, before, after in differences(row, new):
                yield Difference(*where, column, before, after)
        elif row["sample"] in ids:
            status = next(r["status"] for r in found.values() if r["sample"] == row["sample"])
            yield Difference(*where, "status", row["status"], status)
        else:
            yield Difference(*where, "content", row["content"], "changed or gone")


def _requests(about: dict[str, Any]) -> set[str]:
    return {cell["request"] for cell in about["cells"]}


def _options(about: dict[str, Any]) -> Options:
    names = {f.name for f in fields(Options)}
    said = {key: value for key, value in about.get("options", {}).items() if key in names}
    said |= {"limit": None, "executor": "serial", "retry_failed": False, "until": None}
    return Options(**said)


def _inside(folder: Any) -> AbstractContextManager[None]:
    """Work where the run was made, since its specs may hold relative paths."""
    return chdir(folder) if isinstance(folder, str) and Path(folder).is_dir() else nullcontext()
