"""What attacks found suspicious about models: flags in the records as warnings with their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.metrics.members import square_last
from roadworthy.metrics.seen import empty_columns
from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import model_names
from roadworthy.run import CellRecord
from roadworthy.stress._attacks.flags import FLAGS, square_wins

POOR_FITS = 0.1
"""Share of the images whose CLEVER score may come from a poor fit without a warning."""


@dataclass
class Warned:
    """Flags by model, data and stress. How many images show one would depend on the batch size."""

    found: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def add(
        self,
        cell: CellRecord,
        model: str,
        usable: pl.DataFrame,
        every: pl.DataFrame | None = None,
    ) -> None:
        """Note the flags in the records of a cell, and whether Square, as the last, still won.

        ``every`` record counts for flags, also those that say why nothing was measured.
        """
        flags, empty = _flags(usable if every is None else every), empty_columns(usable)
        if "broken_by" not in empty:
            parts = usable.partition_by("variant")
            needed = square_last(cell.stress) and any(map(_square_was_needed, parts))
            flags |= {"square_wins"} if needed else set()
        if "clever_p" not in empty:
            flags |= {"poor_fits"} if _many_fits_are_poor(usable) else set()
        if "clever_half" not in empty:
            flags |= {"missed_slopes"} if _slopes_were_missed(usable) else set()
        if flags:
            self.found.setdefault((model, cell.data, cell.stress), set()).update(flags)

    def rows(self) -> list[dict[str, str]]:
        """Return one entry for each flag of a model under a stress, in the order of cells."""
        known = list(FLAGS)
        return [
            {
                "model": model,
                "data": data,
                "stress": stress,
                "flag": flag,
                "text": FLAGS.get(flag, ""),
            }
            for (model, data, stress), flags in self.found.items()
            for flag in sorted(flags, key=lambda f: (known.index(f) if f in known else 99, f))
        ]


def _flags(rows: pl.DataFrame) -> set[str]:
    if "flags" in empty_columns(rows):
        return set()
    return set(rows["flags"].drop_nulls().explode().drop_nulls().unique())


def _square_was_needed(rows: pl.DataFrame) -> bool:
    return square_wins(rows["broken_by"].to_list())


def _many_fits_are_poor(rows: pl.DataFrame) -> bool:
    fitted = rows.filter(pl.col("clever_p").is_not_null())
    poor = fitted.filter(pl.col("clever_rule") != "weibull")
    return len(poor) > POOR_FITS * len(fitted)


def _slopes_were_missed(rows: pl.DataFrame) -> bool:
    """Whether half the ball makes most scores smaller by a tenth: all of it holds its slopes too."""
    scored = rows.filter(pl.col("clever_half").is_not_null())
    return scored.filter(pl.col("clever_half") < 0.9 * pl.col("clever")).height > len(scored) / 2


def warnings(summary: Mapping[str, Any]) -> list[str]:
    """Return the warnings of a summary as sentences, each once with the stresses that gave it."""
    run = summary.get("run")
    given = entries(run, "warnings")
    warned = {text_of(entry, "model") for entry in given}
    names = model_names([*(text_of(m, "spec") for m in entries(run, "models")), *warned], 48)
    several = len(names) > 1
    stresses: dict[tuple[str, str, str], list[str]] = {}
    for entry in given:
        model = names[text_of(entry, "model")] if several else ""
        key = (model, text_of(entry, "flag"), text_of(entry, "text"))
        named = stresses.setdefault(key, [])
        named.extend(s for s in [text_of(entry, "stress")] if s not in named)
    return [
        f"{f'{model}: ' if model else ''}{flag}"
        + (f": {text}" if text else "")
        + f" (seen by {', '.join(seen)})"
        for (model, flag, text), seen in stresses.items()
    ]
