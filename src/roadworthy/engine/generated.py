"""Running a plan, and then the stages that suites make of the results so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from roadworthy.engine.execute import Engine
from roadworthy.engine.plan import Judge, Plan, plan
from roadworthy.engine.stages import records_of, run_plan
from roadworthy.engine.stops import Outcome, data_of
from roadworthy.stress.bound import Stress, stress
from roadworthy.stress.reference import clean_of, is_clean
from roadworthy.suites.bound import BoundSuite
from roadworthy.suites.generators.base import Following, Results
from roadworthy.types import Dataset


@dataclass(frozen=True)
class Later:
    """What a suite asks for on one model and data set after its first results, in its order."""

    suite: str
    data: str
    model: str
    precision: str
    stresses: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """Everything that was planned in the end, what suites asked for later, and where cells stopped."""

    plan: Plan
    later: tuple[Later, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def run_stages(
    engine: Engine,
    first: Plan,
    suites: Sequence[BoundSuite],
    judges: Sequence[Judge],
    datasets: Sequence[Dataset],
    tell: Callable[[Staged], None],
) -> Staged:
    """Run ``first``, and as long as suites ask for more, that; ``tell`` hears of each stage before it.

    Suites see records alone, and each stage is finished by everybody before the next is planned: so
    workers side by side, and the same command given again, ask for the same.
    """
    done = Staged(first, (), run_plan(engine, first, suites))
    while True:
        later = tuple(_later(engine, done.plan, suites, judges, datasets))
        more = _planned(done.plan, later, judges, datasets, engine)
        known = {cell.request for cell in done.plan.cells}
        if all(cell.request in known for cell in more.cells):
            return replace(done, later=later)
        done = replace(done, plan=_joined(done.plan, more), later=later)
        tell(done)
        outcomes = run_plan(engine, more, required=False)
        done = replace(done, outcomes=(*done.outcomes, *outcomes))


def _later(
    engine: Engine,
    planned: Plan,
    suites: Sequence[BoundSuite],
    judges: Sequence[Judge],
    datasets: Sequence[Dataset],
) -> Iterator[Later]:
    for suite in suites:
        if suite.following is None:
            continue
        for dataset in datasets:
            for judge in judges:
                results = _results(engine, planned, suite, judge, dataset)
                specs = tuple(stress(text).spec for text in _asked(suite.following, results))
                if specs:
                    yield Later(suite.spec, dataset.spec, judge.spec, judge.precision, specs)


def _asked(following: Following, results: Results) -> Sequence[str]:
    return following(results) if results.rows else ()


def _results(
    engine: Engine, planned: Plan, suite: BoundSuite, judge: Judge, dataset: Dataset
) -> Results:
    """Return the usable records of one model on one data set under the members of a suite, and clean."""
    mine = [c for c in planned.cells if (c.judge.spec, data_of(c)) == (judge.spec, dataset.spec)]
    own = [c for c in mine if not c.owner and not c.made_by]
    clean = {clean_of(one.spec) for one in suite.stresses}
    records = records_of(engine.store, planned, own)
    rows: dict[str, pl.DataFrame] = {}
    usual: pl.DataFrame | None = None
    for cell in own:
        found = records[cell.request]
        if is_clean(cell.stress.spec):
            usual = found if cell.stress.spec in clean else usual
        elif len(found):
            rows[cell.stress.spec] = found
    return Results(rows, usual, suite.factors)


def _planned(
    known: Plan,
    later: Sequence[Later],
    judges: Sequence[Judge],
    datasets: Sequence[Dataset],
    engine: Engine,
) -> Plan:
    """Return what is asked for and not planned yet, and the clean images it is compared with."""
    more = Plan((), ())
    for dataset in datasets:
        for judge in judges:
            mine = _of(known, judge.spec, dataset.spec)
            texts = [
                text
                for one in later
                if (one.model, one.data) == (judge.spec, dataset.spec)
                for text in one.stresses
                if text not in mine
            ]
            wanted: Mapping[str, Stress] = {s.digest: s for s in map(stress, texts)}
            if not wanted:
                continue
            asked = list(wanted.values())
            found = plan([judge], [dataset], asked, engine.options, members=wanted.keys())
            more = _joined(more, found)
    return more


def _of(known: Plan, model: str, data: str) -> set[str]:
    """Return the stresses that are planned for a model on a data set, or said to be impossible."""
    pairs = [(c.stress.spec, c.judge.spec, data_of(c)) for c in known.cells]
    pairs += [(one.stress, one.model, one.data) for one in known.unavailable]
    pairs += [(one.stress, one.model, one.data) for one in known.same]
    return {spec for spec, *where in pairs if where == [model, data]}


def _joined(first: Plan, second: Plan) -> Plan:
    requests = {cell.request for cell in first.cells}
    return Plan(
        (*first.cells, *(cell for cell in second.cells if cell.request not in requests)),
        tuple(dict.fromkeys((*first.unavailable, *second.unavailable))),
        tuple(dict.fromkeys((*first.same, *second.same))),
    )
