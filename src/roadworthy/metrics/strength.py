"""Robust accuracy over the strength of an attack: its steps, or the queries of a black-box one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.attacked import is_minimal
from roadworthy.metrics.base import Rows
from roadworthy.metrics.interval import Floats, estimate, wilson
from roadworthy.metrics.robustness import CurvePoint, one_attack


def strength_curve(rows: Rows, steps: Sequence[int] | None = None) -> list[CurvePoint]:
    """Return robust accuracy in percent after so many steps of an attack, with 95 % intervals.

    ``rows`` are the records of one attack with one budget on one model and data set. An image is
    robust after k steps if it is right when clean and the goal was not reached in any of the first
    k; one step of a black-box attack is one query, and those of its restarts add up; of other
    attacks they are those of the attempt that reached the goal. Without ``steps`` 0, 1, 2, 5, 10,
    20, 50 and so on up to the number that was run. Raises UsageError for records that are not of
    one attack with one budget that notes its steps. There is no single number of this curve: how
    far right it goes is chosen by whoever runs the attack, and steps of different attacks do not
    cost the same. Dong et al., "Benchmarking adversarial robustness on image classification", CVPR
    2020.
    """
    usable = one_attack(rows)
    if is_minimal(usable) or usable["eps"].drop_nulls().n_unique() > 1:
        raise UsageError("a curve over steps is of an attack with one budget: filter the records")
    found = strength_of(usable, steps)
    if found is None:
        raise UsageError("this attack did not note its steps")
    return found


def strength_of(rows: Rows, steps: Sequence[int] | None = None) -> list[CurvePoint] | None:
    """Return `strength_curve` of usable records of one attack; None where it has none."""
    first = None if is_minimal(rows) else first_steps(rows)
    if first is None:
        return None
    chosen = ladder(max(rows["steps_used"].drop_nulls())) if steps is None else list(steps)
    values, n = np.sort(first), first.size
    robust = n - np.searchsorted(values, np.array(chosen, float), side="right")
    low, high = wilson(robust, np.full(len(chosen), n))
    return [
        CurvePoint(float(k), estimate(r / n, float(a), float(b), n, scale=100.0))
        for k, r, a, b in zip(chosen, robust.tolist(), low, high, strict=True)
    ]


def first_steps(rows: Rows) -> Floats | None:
    """Return after which step the goal was first reached for each sample, (N,), in no order.

    -1 for images that are wrong when clean, infinity where it never was; None where the attack
    noted no steps. Of several rows of a sample the earliest counts.
    """
    tried = rows.filter(pl.col("success").is_not_null())
    silent = tried.filter("success")["step_success"].is_null()
    if not (tried["steps_used"].fill_null(0) > 0).any() or (len(silent) and silent.all()):
        return None
    # what the last step found may only be seen when it is judged
    last = pl.when("success").then(pl.col("steps_used")).cast(pl.Float64)
    step = pl.coalesce(pl.col("step_success").cast(pl.Float64), last, pl.lit(float("inf")))
    value = pl.when(pl.col("status") == "clean_error").then(-1.0).otherwise(step)
    found = rows.select("sample", value=value).group_by("sample").agg(pl.col("value").min())
    return found["value"].to_numpy()


def ladder(last: int) -> list[int]:
    """Return 0, 1, 2, 5, 10, 20, 50 and so on below ``last``, and ``last``."""
    rungs = (digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 5))
    return [0, *(rung for rung in rungs if rung < last), last]
