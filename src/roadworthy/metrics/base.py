"""What a metric is: a pure function of records with a unit, a direction and a definition version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from roadworthy.metrics.seen import empty_columns
from roadworthy.registry import Definition


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; ``n`` distinct samples behind it.

    ``value`` is None where nothing could be measured, or where it is infinite, and ``reason`` may
    say why; ``low`` and ``high`` may be None as well.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


MetricFunction = Callable[..., Estimate | None]
Contributions = Callable[..., pl.DataFrame | None]
Statistic = Literal["mean", "median"]
FRACTIONS = ("percent", "points")
"""Units in which a metric is 100 times the mean of its contributions."""


@dataclass(frozen=True, kw_only=True)
class MetricDefinition(Definition):
    """A metric of one cell: all records of one (model, data, source, stress, variant).

    The function takes ``rows`` and, if ``paired``, also ``clean``: the records of the same model on
    the same data and frame under the stress ``clean``. It gets usable rows only (status ok or
    clean_error) and returns None where it does not apply. A sample may have several rows (variants
    of one stress) or list columns (sequences): samples are the clusters, never rows.

    ``contributions`` takes the same and returns what the metric is the ``statistic`` of: sample and
    value, in fractions where the unit is percent or points, or None where the metric does not apply.
    Where a metric is no plain mean these are its value plus the influence of each sample. Two runs
    are paired through them; without them a difference has the interval of two independent runs.
    """

    unit: Literal["percent", "nats", "points", "none"]
    direction: Literal["higher", "lower", "neutral"]
    paired: bool = False
    headline: bool = True
    contributions: Contributions | None = None
    statistic: Statistic = "mean"
    needs: tuple[str, ...] = ()

    def may_apply(self, rows: pl.DataFrame) -> bool:
        """Whether ``rows`` have a value in each column without which the metric is None."""
        return not self.needs or rows.is_empty() or empty_columns(rows).isdisjoint(self.needs)


def metric(
    *,
    unit: Literal["percent", "nats", "points", "none"],
    direction: Literal["higher", "lower", "neutral"],
    paired: bool = False,
    headline: bool = True,
    needs: tuple[str, ...] = (),
    version: int = 1,
    paper: str | None = None,
    contributions: Contributions | None = None,
    statistic: Statistic = "mean",
) -> Callable[[MetricFunction], MetricDefinition]:
    """Register a metric; ``headline`` metrics appear in the terminal table.

    ``contributions`` and ``statistic`` let two runs be paired, see `MetricDefinition`. ``needs`` are
    columns of records: where one of them is empty the metric is not even called.
    """

    def decorate(function: Callable[..., Any]) -> MetricDefinition:
        return MetricDefinition(
            name=function.__name__,
            function=function,
            parameters=(),
            version=version,
            paper=paper,
            unit=unit,
            direction=direction,
            paired=paired,
            headline=headline,
            needs=needs,
            contributions=contributions,
            statistic=statistic,
        )

    return decorate


Rows = pl.DataFrame
