"""Metrics of certificates, by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from metric_records import records

from roadworthy.errors import UsageError
from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.certified import certified_curve
from roadworthy.metrics.interval import wilson


def certificates(**more: Any) -> pl.DataFrame:
    """Return five images: certified thrice (once for the wrong class), abstained on, certified."""
    return records(
        **{
            "stress": "certify",
            "variant": "",
            "model": "m",
            "data": "d",
            "label": [0, 1, 2, 3, 4],
            "certified_class": [0, 2, 2, None, 4],
            "certified_radius": [0.5, 0.75, 0.25, 0.0, 0.5],
            **more,
        }
    )


def value_of(name: str, rows: pl.DataFrame) -> Estimate:
    found: Estimate | None = METRICS[name].function(rows)
    assert found is not None
    return found


def test_each_number_by_hand() -> None:
    rows = certificates()
    mean = value_of("certified_radius", rows)
    assert mean.value == pytest.approx((0.5 + 0.25 + 0.5) / 5)
    assert mean.n == 5
    assert mean.low is not None
    assert mean.value is not None
    assert mean.high is not None
    assert 0 <= mean.low < mean.value < mean.high
    assert value_of("median_certified_radius", rows).value == 0.25
    assert value_of("certified_top1", rows).value == pytest.approx(60)
    assert value_of("abstained", rows).value == pytest.approx(20)


def test_the_curve_counts_what_reaches_so_far() -> None:
    found = certified_curve(certificates(), [0, 0.2, 0.25, 0.26, 0.5, 0.51, 2])
    assert [p.estimate.value for p in found] == pytest.approx([60, 60, 60, 40, 40, 0, 0])
    assert [p.at for p in found] == [0, 0.2, 0.25, 0.26, 0.5, 0.51, 2]
    low, high = wilson(3, 5)
    assert found[0].estimate.low == pytest.approx(100 * float(low))
    assert found[0].estimate.high == pytest.approx(100 * float(high))
    evenly = certified_curve(certificates())
    assert (len(evenly), evenly[0].at, evenly[-1].at) == (33, 0, 0.5)
    assert evenly[-1].estimate.value == pytest.approx(40)
    # The mean radius is the area under the curve.
    steps = certified_curve(certificates(), [i / 1000 for i in range(1001)])
    area = sum(p.estimate.value or 0 for p in steps[1:]) / 100 / 1000
    assert area == pytest.approx(0.25, abs=1e-3)


def test_records_of_something_else_have_none_of_it() -> None:
    other = certificates(certified_radius=None, certified_class=None)
    several = pl.concat([certificates(), certificates(variant="sigma=0.5")])
    for name in ("certified_radius", "median_certified_radius", "certified_top1", "abstained"):
        assert METRICS[name].function(other) is None
        assert METRICS[name].function(several) is None
    with pytest.raises(UsageError, match="needs records of certify"):
        certified_curve(other)
    with pytest.raises(UsageError, match="one variant"):
        certified_curve(several)


def test_nothing_certified_is_zero_and_not_nothing() -> None:
    rows = certificates(certified_class=None, certified_radius=0.0)
    assert value_of("certified_radius", rows).value == 0
    assert value_of("certified_top1", rows).value == 0
    assert value_of("abstained", rows).value == pytest.approx(100)
    assert [p.estimate.value for p in certified_curve(rows, [0.0, 0.1])] == [0, 0]
