"""The metrics of one cell in two runs, and their paired differences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import polars as pl

from roadworthy.comparing.cells import Both, Frames
from roadworthy.comparing.known import Known
from roadworthy.comparing.result import Difference, Place
from roadworthy.engine.until import widened
from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate, MetricDefinition
from roadworthy.metrics.difference import difference, pair
from roadworthy.metrics.transfer import TRANSFER
from roadworthy.report.summary import OF_OTHERS
from roadworthy.run import CellRecord

Widenings = Mapping[tuple[str, str], float]
NOTHING = Estimate(0.0, 0.0, 0.0, 0)
"""How two runs differ that measured the same."""


def differences(
    both: Both,
    place: Place,
    frames: Frames,
    known: tuple[Known, Known],
    wider: tuple[Widenings, Widenings],
    only: Collection[str] | None,
) -> Iterator[Difference]:
    """Yield the metrics of one variant, or of all together, that both runs have; ``only`` those.

    ``wider`` says by how much intervals are wider, because a run stopped when they were narrow.
    """
    for name, definition in METRICS.items():
        if (only is not None and name not in only) or not _wanted(name, both.cells[0]):
            continue
        if definition.paired and both.clean is None:
            continue
        if not all(map(definition.may_apply, frames)):
            continue
        given = [_given(definition, both, frames, side) for side in (0, 1)]
        factors = [w.get((c.request, name), 1.0) for w, c in zip(wider, both.cells, strict=True)]
        a, b = (
            _estimate(definition, both, frames, place.variant, side, known[side], factors[side])
            for side in (0, 1)
        )
        if a is None or b is None:
            continue
        change = replace(NOTHING, n=a.n)
        if not both.same:
            change = _change(definition, a, b, given, max(factors))
        elif a.value is None:
            change = Estimate(None, None, None, a.n, a.reason)
        facts = (definition.unit, definition.direction, definition.version)
        yield Difference(place, name, *facts, a, b, rounded(change))


def _wanted(metric: str, cell: CellRecord) -> bool:
    """Whether a metric means something for what was made on another model."""
    return metric in OF_OTHERS if cell.source else metric not in TRANSFER


def _given(
    definition: MetricDefinition, both: Both, frames: Frames, side: int
) -> tuple[pl.DataFrame, ...]:
    if definition.paired and both.clean is not None:
        return frames[side], both.clean[side]
    return (frames[side],)


def _estimate(
    definition: MetricDefinition,
    both: Both,
    frames: Frames,
    variant: str,
    side: int,
    known: Known,
    factor: float,
) -> Estimate | None:
    if both.whole[side] and known.there:
        return known.of(both.cells[side], frames[side], variant, definition.name)
    found = definition.function(*_given(definition, both, frames, side))
    return None if found is None else widened(found, factor, unit=definition.unit)


def _change(
    definition: MetricDefinition,
    a: Estimate,
    b: Estimate,
    given: list[tuple[pl.DataFrame, ...]],
    factor: float,
) -> Estimate:
    each = definition.contributions
    found = None if each is None else pair(each(*given[0]), each(*given[1]))
    unit, statistic = definition.unit, definition.statistic
    return difference(a, b, found, unit=unit, statistic=statistic, factor=factor)


def rounded(change: Estimate) -> Estimate:
    """Drop the last digits, which depend on the order of summation, and minus zero."""
    ends = [
        None if v is None else float(f"{v:.9g}") + 0.0
        for v in (change.value, change.low, change.high)
    ]
    return replace(change, value=ends[0], low=ends[1], high=ends[2])
