"""Whether two records of one sample say the same, within what another batch may change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from roadworthy.engine.records import SCHEMA

FLOATS = 1e-4
BORDERLINE = 1e-3
COARSE = 0.05
"""Floats and margins of 16-bit arithmetic: one step is 2^-8 of a logit, and a network adds many."""

NOT_COMPARED = {"reason", "content", "request", "sample", "variant", "stress", "data", "model"}
NOT_COMPARED |= {"artifact"}  # a file is looked for by what it holds
VERDICTS = {"pred", "correct", "correct5", "correct_subset", "correct_full", "top5", "ok8"} | {
    *("frames_pred", "frames_correct", "status", "borderline", "step_success", "steps_used"),
    *("top5_ref", "zipf_ref"),
}


def differences(
    recorded: Mapping[str, Any], again: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return (column, recorded, judged again) for each column that does not reproduce.

    Floats agree within 1e-4, absolute or relative; verdicts must be equal unless either margin is
    below 1e-3 in size, and all else must be equal. Rows of 16-bit arithmetic agree within 0.05.
    """
    low = recorded["precision"] != "fp32" or recorded["modifier"] is not None
    allowed = COARSE if low else FLOATS
    sure = not _borderline(recorded, again, COARSE * 10 if low else BORDERLINE)
    found = []
    for column, dtype in SCHEMA.items():
        if column in NOT_COMPARED or (column in VERDICTS and not sure):
            continue
        before, after = recorded[column], again[column]
        if dtype.is_float() or dtype == pl.List(pl.Float32):
            same = _near(before, after, allowed)
        else:
            same = before == after
        if not same:
            found.append((column, before, after))
    return found


def _borderline(recorded: Mapping[str, Any], again: Mapping[str, Any], bound: float) -> bool:
    margins = [row["margin"] for row in (recorded, again) if row["margin"] is not None]
    return any(abs(margin) < bound for margin in margins)


def _near(before: Any, after: Any, allowed: float) -> bool:
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            _near(b, a, allowed) for b, a in zip(before, after, strict=True)
        )
    if before is None or after is None:
        return before is after
    if before == after:
        return True
    return math.isfinite(before - after) and abs(before - after) <= allowed * max(1.0, abs(before))
