"""Running a plan in stages of growing prefixes: what is precise enough leaves, the rest goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from roadworthy.engine.execute import Engine
from roadworthy.engine.plan import Cell, Plan
from roadworthy.engine.stops import Outcome, data_of
from roadworthy.engine.store import Store
from roadworthy.engine.until import (
    Until,
    half_width,
    parse_until,
    planned_looks,
    widened,
    widening,
)
from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate, MetricDefinition
from roadworthy.metrics.catalogue import USABLE, evaluate_all
from roadworthy.run import CellRecord, Run
from roadworthy.stress.reference import clean_of, is_clean
from roadworthy.suites.bound import BoundSuite

Records = Mapping[str, pl.DataFrame]


def run_plan(
    engine: Engine, plan: Plan, suites: Sequence[BoundSuite] = (), *, required: bool = True
) -> tuple[Outcome, ...]:
    """Run a plan, in stages where the options say ``until``; returns where each cell stopped.

    What to stop is read from the records alone, so that workers who run the same stages side by
    side, and the same command given again, decide alike. The cell ``clean`` goes as far as any cell
    of its model: its logits are computed there anyway, and differences are taken against it. A cell
    without the metric runs whole; the members of a suite whose metric it is stop together. Raises
    UsageError if it is ``required`` and no cell has it.
    """
    if engine.options.until is None:
        engine.run(plan)
        return ()
    until = parse_until(engine.options.until)
    looks = {data_of(c): planned_looks(len(c.source.samples), until) for c in plan.cells}
    outcomes: dict[str, Outcome] = {}
    for number in range(max(map(len, looks.values()), default=0)):
        going = _going([c for c in plan.cells if number < len(looks[data_of(c)])], outcomes)
        if not going:
            break
        stage = [_first(cell, looks[data_of(cell)][number]) for cell in going]
        engine.run(Plan(tuple(stage), ()))
        records = records_of(engine.store, plan, stage)
        whole = _of_suites(stage, records, until, suites, plan)
        for cell in stage:
            before = outcomes.get(cell.request)
            estimate = whole.get(cell.request) or _estimate(cell, records, until)
            seen = _outcome(cell, estimate, until, looks[data_of(cell)])
            # A cell that was precise enough and only went on for others stays so.
            precise = seen.precise or (before is not None and before.precise)
            outcomes[cell.request] = replace(seen, precise=precise)
        if required and all(outcome.estimate is None for outcome in outcomes.values()):
            raise _nobody_has_it(until, records)
    return tuple(outcomes[cell.request] for cell in plan.cells)


def _first(cell: Cell, count: int) -> Cell:
    return replace(cell, source=replace(cell.source, samples=cell.source.samples[:count]))


def _going(cells: Sequence[Cell], outcomes: Mapping[str, Outcome]) -> list[Cell]:
    """Return the cells that are not precise yet, and ``clean`` of every model that has such."""

    def wanting(cell: Cell) -> bool:
        outcome = outcomes.get(cell.request)
        if outcome is None:
            return True
        # Without the metric there is no reason to stop; ``clean`` then only accompanies.
        return not outcome.precise and (outcome.estimate is not None or not _clean(cell))

    accompanied = {(data_of(cell), cell.judge.spec) for cell in cells if wanting(cell)}
    return [
        c for c in cells if wanting(c) or (_clean(c) and (data_of(c), c.judge.spec) in accompanied)
    ]


def _clean(cell: Cell) -> bool:
    return is_clean(cell.stress.spec)


def records_of(store: Store, plan: Plan, stage: Sequence[Cell]) -> Records:
    """Return the usable records of the cells of a stage by request, on the stage's samples alone."""
    run = Run(store.folder)
    whole = {data_of(cell): store.write_manifest(cell.source.samples) for cell in plan.cells}
    found = {}
    for cell in stage:
        name, judge = data_of(cell), cell.judge
        record = CellRecord(
            name, judge.spec, cell.stress.spec, judge.precision, cell.request, whole[name]
        )
        samples = [sample.id for sample in cell.source.samples]
        wanted = pl.col("sample").is_in(samples) & pl.col("status").is_in(USABLE)
        found[cell.request] = run.rows_of(record).filter(wanted)
    return found


def _outcome(
    cell: Cell, estimate: Estimate | None, until: Until, looks: tuple[int, ...]
) -> Outcome:
    factor = widening(looks)
    if estimate is not None:
        estimate = widened(estimate, factor, unit=until.bounds)
    half = half_width(estimate)
    precise = half is not None and half <= until.half_width
    return Outcome(cell, looks[-1], estimate, factor, precise)


def _estimate(cell: Cell, records: Records, until: Until) -> Estimate | None:
    """Return the metric of one cell, None where it has none."""
    definition = until.definition
    if not isinstance(definition, MetricDefinition):
        return None
    rows, clean = records[cell.request], _clean_of(cell, records)
    if definition.paired and clean is None:
        return None
    found: Estimate | None = definition.function(*((rows, clean) if definition.paired else (rows,)))
    return found


def _of_suites(
    stage: Sequence[Cell],
    records: Records,
    until: Until,
    suites: Sequence[BoundSuite],
    plan: Plan,
) -> dict[str, Estimate]:
    """Return the metric of every suite that is in ``stage`` as far as it was planned, by request."""
    found: dict[str, Estimate] = {}
    if isinstance(until.definition, MetricDefinition):
        return found
    judged = dict.fromkeys(map(_judged, stage))
    for suite in suites:
        listed = {one.spec for one in suite.stresses}
        for key in judged:
            wanted = {c.stress.spec for c in plan.cells if _judged(c) == key} & listed
            members = [c for c in stage if _judged(c) == key and c.stress.spec in wanted]
            if wanted and {c.stress.spec for c in members} == wanted:
                estimate = _of_suite(until.metric, suite, members, records)
                found |= {c.request: estimate for c in members if estimate is not None}
    return found


def _judged(cell: Cell) -> tuple[str, str, str]:
    return data_of(cell), cell.judge.spec, cell.judge.precision


def _of_suite(
    metric: str, suite: BoundSuite, members: Sequence[Cell], records: Records
) -> Estimate | None:
    from roadworthy.baselines import load_baseline
    from roadworthy.metrics.suite import suite_estimate

    rows = {cell.stress.spec: records[cell.request] for cell in members}
    baseline = suite.baseline and load_baseline(suite.baseline, list(rows))
    clean = _clean_of(members[0], records)
    classes = members[0].judge.model.classes
    return suite_estimate(
        metric,
        rows,
        clean,
        baseline or None,
        kind=suite.kind,
        profile=suite.profile,
        names=classes.names or classes.wnids or (),
    )


def _clean_of(cell: Cell, records: Records) -> pl.DataFrame | None:
    """Return the records of ``clean`` that belong to a cell; it runs whenever the cell does."""
    for rows in records.values():
        mine = (pl.col("data") == data_of(cell)) & (pl.col("model") == cell.judge.spec)
        mine &= pl.col("source").fill_null("") == cell.owner
        found = rows.filter(mine & (pl.col("stress") == clean_of(cell.stress.spec)))
        if len(found):
            return found
    return None


def _nobody_has_it(until: Until, records: Records) -> UsageError:
    known: set[str] = set()
    for rows in records.values():
        clean = next((r for r in records.values() if len(r) and is_clean(r["stress"][0])), None)
        known |= {d.name for d, e in evaluate_all(rows, clean) if e.low is not None}
    return UsageError(
        f"until '{until.metric}±{until.half_width:g}': no stress of this run has the metric "
        f"'{until.metric}'; those with an interval are {', '.join(sorted(known))}"
    )
