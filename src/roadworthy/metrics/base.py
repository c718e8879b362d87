"""What a metric is: a pure function of records with a unit, a direction and a definition version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

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


@dataclass(frozen=True, kw_only=True)
class MetricDefinition(Definition):
    """A metric of one cell: all records of one (model, data, source, stress, variant).

    The function takes ``rows`` and, if ``paired``, also ``clean``: the records of the same model on
    the same data and frame under the stress ``clean``. It gets usable rows only (status ok or
    clean_error) and returns None where it does not apply. A sample may have several rows (variants
    of one stress) or list columns (sequences): samples are the clusters, never rows.
    """

    unit: Literal["percent", "nats", "points", "none"]
    direction: Literal["higher", "lower", "neutral"]
    paired: bool = False
    headline: bool = True


def metric(
    *,
    unit: Literal["percent", "nats", "points", "none"],
    direction: Literal["higher", "lower", "neutral"],
    paired: bool = False,
    headline: bool = True,
    version: int = 1,
    paper: str | None = None,
) -> Callable[[MetricFunction], MetricDefinition]:
    """Register a metric; ``headline`` metrics appear in the terminal table."""

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
        )

    return decorate


Rows = pl.DataFrame
