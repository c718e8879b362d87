"""Comparing two runs, image by image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from roadworthy.comparing.cells import Both, Frames, read
from roadworthy.comparing.flips import FLIPS, corrected, flipped, shares, verdicts
from roadworthy.comparing.known import Known, check_versions
from roadworthy.comparing.matching import Matched, matched
from roadworthy.comparing.metrics import differences
from roadworthy.comparing.result import Comparison, Difference, Place, Verdicts
from roadworthy.comparing.samples import Common
from roadworthy.comparing.suites import SuitesOfBoth
from roadworthy.engine.options import cores
from roadworthy.engine.stops import widenings
from roadworthy.errors import RoadworthyError
from roadworthy.report.current import state_of
from roadworthy.run import Run

_Found = tuple[list[Difference], Verdicts | None, pl.DataFrame | None]


@dataclass(frozen=True)
class Only:
    """Leave all out but these metrics; without ``flips`` no verdicts are tested either."""

    metrics: Collection[str] | None = None
    flips: bool = True


def compare(
    a: str | Path | Run,
    b: str | Path | Run,
    *,
    model_a: str | None = None,
    model_b: str | None = None,
    only: Only | None = None,
) -> Comparison:
    """Compare two runs over the images that both judged, pair by pair.

    ``a`` and ``b`` are runs or their folders. Models of one name are compared, or one of each run
    whatever they are called: the only one, or ``model_a`` and ``model_b``. Every metric gets its
    difference (second minus first) with a paired 95 % interval, every stress McNemar's exact test
    with Holm's correction over stresses, and every image that flipped is listed. ``only`` leaves
    things out. Raises UsageError for runs on different data, of different definitions, or without
    anything in common.
    """
    runs = tuple(one if isinstance(one, Run) else Run(one) for one in (a, b))
    matches = matched(*runs, models=(model_a, model_b))
    check_versions(*runs)
    return _Work((runs[0], runs[1]), matches, only or Only()).done()


class _Work:
    """What accumulates while two runs are compared cell by cell."""

    def __init__(self, runs: tuple[Run, Run], matches: Sequence[Matched], only: Only) -> None:
        self.common, self.matches, self.only = Common.of(*runs, matches), matches, only
        self.known = (Known(runs[0]), Known(runs[1]))
        self.wider = (widenings(runs[0].runs), widenings(runs[1].runs))
        self.tests: list[Verdicts] = []
        self.alone: list[bool] = []
        self.flips: list[pl.DataFrame] = []
        self.compared = 0

    def done(self) -> Comparison:
        """Compare everything."""
        suites = SuitesOfBoth(self.common, self.wider, self.only.metrics)
        with ThreadPoolExecutor(cores()) as pool:
            found = [row for one in self.matches for row in self._of(one, suites, pool)]
        found.extend(suites.differences())
        a, b = self.common.runs
        if not self.compared:
            reasons = "; ".join(self._notes()) or "no image was judged in both"
            raise RoadworthyError(f"there is nothing to compare: {reasons}")
        return Comparison(
            (str(a.folder), str(b.folder)),
            found,
            corrected(self.tests, self.alone),
            pl.concat([FLIPS.to_frame(), *self.flips]),
            [*self._notes(), *dict.fromkeys(suites.notes)],
        )

    def _of(self, one: Matched, suites: SuitesOfBoth, pool: Executor) -> Iterator[Difference]:
        for both in read(self.common, one.cells):
            self.compared += 1
            source, stress = both.cells[0].source or None, both.cells[0].stress
            groups = [
                (Place(one.models, one.data, source, stress, variant), frames)
                for variant, frames in both.groups()
            ]
            several = len(groups) > 1
            for (place, _), (rows, test, flips) in zip(
                groups, pool.map(partial(self._group, both, several), groups), strict=True
            ):
                yield from rows
                if test is not None:
                    self.tests.append(test)
                    self.alone.append(not several or place.variant == "")
                if flips is not None:
                    self.flips.append(flips)
            suites.add(both)

    def _group(self, both: Both, several: bool, group: tuple[Place, Frames]) -> _Found:
        """Compare one variant, or all together; the flips of these are those of the variants."""
        place, frames = group
        rows = list(differences(both, place, frames, self.known, self.wider, self.only.metrics))
        judged = shares(frames) if self.only.flips else None
        if judged is None:
            return rows, None, None
        single = not several or bool(place.variant)
        flips = flipped(self.common, both, place, frames, judged) if single else None
        return rows, verdicts(place, judged), flips

    def _notes(self) -> Iterator[str]:
        for name, run in zip("AB", self.common.runs, strict=True):
            yield from (f"{name}: {text}" for text in state_of(run))
        for one in self.matches:
            for name, stresses in zip("AB", one.only, strict=True):
                if stresses:
                    yield f"only in {name}, not compared: {', '.join(dict.fromkeys(stresses))}"
        yield from self._unmatched()

    def _unmatched(self) -> Iterator[str]:
        for side, (name, run) in enumerate(zip("AB", self.common.runs, strict=True)):
            compared = {one.models[side] for one in self.matches}
            others = dict.fromkeys(c.judge for c in run.cells if c.judge not in compared)
            if others:
                yield f"only in {name}, not compared: models {', '.join(others)}"
            data = {one.data[side] for one in self.matches}
            sets = dict.fromkeys(
                c.data for c in run.cells if c.judge in compared and c.data not in data
            )
            if sets:
                yield f"only in {name}, not compared: data {', '.join(sets)}"
