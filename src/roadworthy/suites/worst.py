"""Which of several stresses costs a model most, from its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadworthy.suites.generators.base import Results


def worst_of(stresses: Sequence[str], results: Results) -> str | None:
    """Return the stress that lowers top-1 most; of several, that which changes most predictions.

    Where these tie as well it is that which moves probabilities most, then the first. None where
    none of them was judged.
    """
    judged = [stress for stress in stresses if stress in results.rows]
    return max(judged, key=lambda stress: _cost(stress, results), default=None)


def _cost(stress: str, results: Results) -> tuple[float, float, float]:
    import polars as pl

    rows, clean = results.rows[stress], results.clean
    if clean is None:
        return (0.0, 0.0, 0.0)
    usual = clean.select("sample", right="correct", top="pred").unique("sample", keep="first")
    both = rows.join(usual, on="sample")
    means = both.select(
        (pl.col("right").cast(pl.Int8) - pl.col("correct").cast(pl.Int8)).mean().alias("drop"),
        (pl.col("pred") != pl.col("top")).mean().alias("changed"),
        pl.col("kl_ref").cast(pl.Float64).mean().alias("moved"),
    ).row(0)
    # rounded, so that the order in which parts are read decides nothing
    drop, changed, moved = (round(value or 0.0, 9) for value in means)
    return drop, changed, moved
