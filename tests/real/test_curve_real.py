"""The curve that one search for the smallest change gives, beside attacks at each of its budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

import roadworthy as rw
from roadworthy.metrics.robustness import CurvePoint, robustness_curve

pytestmark = [pytest.mark.shared, pytest.mark.slow]

COUNT = 256
BUDGETS = [2 / 255, 4 / 255, 6 / 255, 8 / 255, 12 / 255]


def test_the_nearest_of_two_gives_what_apgd_gives_at_each_budget(
    shared: Path, tmp_path: Path
) -> None:
    from bench.pictures import resnet20

    listed = ", ".join(f"{round(eps * 255)}/255" for eps in BUDGETS)
    grid = f"cascade(apgd, apgd_targeted(targets=4, steps=50), eps=[{listed}])"
    run = rw.evaluate(
        resnet20(adversarial=True),
        f"parquet:{shared}/data/cifar10_test.parquet",
        ["nearest(fab_targeted, fmn, norm=Linf)", grid],
        out=tmp_path / "run",
        limit=COUNT,
    )
    rows = run.rows()
    once = rows.filter(pl.col("stress").str.starts_with("nearest"))
    curve = _values(robustness_curve(once, BUDGETS))
    anew = robustness_curve(rows.filter(pl.col("stress").str.starts_with("cascade")))
    assert [point.at for point in anew] == pytest.approx([0.0, *BUDGETS])
    wanted = _values(anew[1:])
    print(f"read off once {_shown(curve)}; at each budget {_shown(wanted)}")
    assert wanted == sorted(wanted, reverse=True)
    assert wanted[0] > wanted[-1] + 20  # so far apart that a point is little
    assert once["broken_by"].drop_nulls().n_unique() == 2  # neither would do alone
    for eps, ours, theirs in zip(BUDGETS, curve, wanted, strict=True):
        assert abs(ours - theirs) <= 1.0, f"at {eps * 255:.0f}/255: {ours} and {theirs}"


def _values(points: Sequence[CurvePoint]) -> list[float]:
    return [float(point.estimate.value or 0.0) for point in points]


def _shown(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)
