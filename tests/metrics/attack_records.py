"""Records of attacks from what came of each image, for the tests of their metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
from metric_records import records

WRONG = "wrong when clean"
Came = float | str
"""The distance at which an attack reached its goal, infinity if it did not, or WRONG."""


def minimal(*came: Came, norm: str = "L2", size: str = "32x32", **more: Any) -> pl.DataFrame:
    """Return the records of an attack that looked for the smallest change."""
    found = [_row(one) for one in came]
    return records(
        stress=more.pop("stress", "fmn"),
        variant="",
        model="m",
        data="d",
        precision="fp32",
        norm=norm,
        frame_size=size,
        **{name: [row[name] for row in found] for name in ("status", "success", "correct")},
        **{norm.lower(): [row["distance"] for row in found]},
        **more,
    )


def _row(came: Came) -> dict[str, Any]:
    if isinstance(came, str):
        return {"status": "clean_error", "success": None, "correct": False, "distance": 0.0}
    done = math.isfinite(came)
    distance = came if done else None
    return {"status": "ok", "success": done, "correct": not done, "distance": distance}


def budgeted(eps: Sequence[tuple[int, int]], *came: Sequence[bool] | str) -> pl.DataFrame:
    """Return the records of an attack with fixed budgets: for each sample whether it fell at each.

    A budget is numerator and denominator.
    """
    made = []
    for at, (top, bottom) in enumerate(eps):
        fell = [None if isinstance(one, str) else bool(one[at]) for one in came]
        made.append(
            records(
                stress="pgd",
                variant=f"eps={top}/{bottom}",
                model="m",
                data="d",
                precision="fp32",
                norm="Linf",
                frame_size="32x32",
                eps=top / bottom,
                eps_numerator=top,
                eps_denominator=bottom,
                status=["clean_error" if f is None else "ok" for f in fell],
                success=fell,
                correct=[f is False for f in fell],
                linf=[0.0 if f is None else top / bottom for f in fell],
            )
        )
    return pl.concat(made)
