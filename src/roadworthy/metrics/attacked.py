"""What attacks did, from records alone: which images survived, and how small a change sufficed."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Rows
from roadworthy.metrics.seen import once
from roadworthy.stress.norm_names import NORMS, Norm

ROUNDING = 1e-6
"""Distances are float32: what lies on the edge of a budget must not fall out of it by rounding."""

CHANNELS = 3
SMALL = 64
_ENDS: dict[Norm, tuple[float, float]] = {
    "Linf": (16 / 255, 16 / 255),
    "L2": (2.0, 5.0),
    "L1": (24.0, 100.0),
    "L0": (100.0, 500.0),
}


def norm_of(rows: Rows) -> Norm | None:
    """Return the norm of an attack; None where the rows are of none, or of several norms."""
    return once(rows, "norm_of", lambda: _norm_of(rows["norm"]))


def _norm_of(norms: pl.Series) -> Norm | None:
    if norms.null_count() == len(norms):
        return None
    found = norms.drop_nulls().unique().to_list()
    return next((norm for norm in NORMS if [norm] == found), None)


def is_minimal(rows: Rows) -> bool:
    """Whether the rows are of an attack that looked for the smallest change: it has no budget."""
    tried = rows.filter(pl.col("success").is_not_null())
    known = tried if len(tried) else rows
    return norm_of(rows) is not None and bool(known["eps"].is_null().all()) and _recorded(rows)


def _recorded(rows: Rows) -> bool:
    """Whether an attack said what came of it: hand-made records may hold verdicts alone."""
    tried = (pl.col("status") == "clean_error") | pl.col("success").is_not_null()
    # What another model had wrong was never attacked, whoever judges it.
    if {"source", "model"} <= set(rows.columns):
        tried |= (pl.col("source") != pl.col("model")).fill_null(value=False)
    return bool(rows.select(tried.all()).item())


def survived(rows: Rows) -> pl.DataFrame:
    """Return sample and value: whether an image is right when clean and the goal was not reached.

    An untargeted attack's goal is any wrong prediction; without ``success`` the verdict decides.
    """
    goal_missed = pl.coalesce(~pl.col("success"), pl.col("correct"))
    right = pl.col("status") != "clean_error"
    return rows.select("sample", value=pl.when(right).then(goal_missed).otherwise(False))


def reach(rows: Rows, norm: Norm) -> pl.DataFrame:
    """Return each sample once, ascending, with the smallest change that reached the goal in ``norm``.

    ``value`` is 0 for images that are wrong when clean, infinity where the goal was never reached.
    Rows without ``success`` or without the distance of a success are left out.
    """
    distance = pl.col(norm.lower()).cast(pl.Float64)
    value = (
        pl.when(pl.col("status") == "clean_error")
        .then(0.0)
        .when("success")
        .then(distance)
        .when(~pl.col("success"))
        .then(float("inf"))
    )
    known = rows.select("sample", value=value).drop_nulls()
    return known.group_by("sample").agg(pl.col("value").min()).sort("sample")


def within(eps: float) -> float:
    """Return the distance up to which a change is within the budget ``eps``; nothing is within 0."""
    return eps * (1 + ROUNDING) + ROUNDING if eps > 0 else 0.0


def longest_side(rows: Rows) -> int | None:
    """Return the longer side of the frames, None where it is unknown or differs."""
    sizes = rows["frame_size"].drop_nulls().unique().to_list()
    return max(map(int, sizes[0].split("x"))) if len(sizes) == 1 else None


def elements(rows: Rows) -> int | None:
    """Return the number of input elements (height x width x 3), None where unknown or differing."""
    sizes = rows["frame_size"].drop_nulls().unique().to_list()
    if len(sizes) != 1:
        return None
    height, width = map(int, sizes[0].split("x"))
    return height * width * CHANNELS


def end_of(rows: Rows) -> float:
    """Return where curves over the budget of these rows end, which depends on norm and frame.

    Linf 16/255. L2 2, L1 24 and L0 100 elements on frames of up to 64 pixels, else L2 5, L1 100 and
    L0 500: about twice the budgets that are in use.
    """
    side, norm = longest_side(rows), norm_of(rows)
    return _ENDS[norm or "Linf"][0 if side is not None and side <= SMALL else 1]
