"""Records with one row per judged picture: frames of sequences become rows of their own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from roadworthy.engine.records import SCHEMA
from roadworthy.report.cells import Cell
from roadworthy.report.matrix import handed_on

_COLUMNS = [
    "model",
    "data",
    "source",
    "stress",
    "variant",
    "sample",
    "label",
    "pred",
    "correct",
    "conf",
]
_FRAMES = ["frames_pred", "frames_correct", "frames_conf"]


def whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with all columns of the schema, missing ones as null."""
    absent = [name for name in SCHEMA if name not in rows.columns]
    return rows.with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in absent)


def of_themselves(rows: pl.DataFrame, found: Sequence[Cell]) -> pl.DataFrame:
    """Return the rows about models by themselves: without those of the cells that were handed on."""
    on = ["model", "data", "source", "stress"]
    others = [tuple(getattr(cell, name) for name in on) for cell in found if handed_on(cell)]
    return rows.join(pl.DataFrame(others, dict.fromkeys(on, pl.String), orient="row"), on, "anti")


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per judged picture with verdict and confidence, frames of sequences included.

    Columns: model, data, source, stress, variant, sample, label, pred, correct, conf (0 to 1) and
    ``frame``, from 1 in sequences, else null. Rows without a verdict of their own are left out.
    """
    usable = whole(rows).filter(pl.col("status") == "ok")
    single = usable.filter(pl.col("correct").is_not_null()).select(
        *_COLUMNS, pl.lit(None, pl.Int64).alias("frame")
    )
    lists = usable.filter(
        pl.all_horizontal(pl.col(name).list.len() > 0 for name in _FRAMES)
        & (pl.col("frames_pred").list.len() == pl.col("frames_correct").list.len())
        & (pl.col("frames_pred").list.len() == pl.col("frames_conf").list.len())
    )
    frames = lists.with_columns(
        frame=pl.int_ranges(1, pl.col("frames_pred").list.len().cast(pl.Int64) + 1),
    ).explode("frame", *_FRAMES)
    renamed = (
        frames.drop("pred", "correct", "conf")
        .rename({"frames_pred": "pred", "frames_correct": "correct", "frames_conf": "conf"})
        .select(*_COLUMNS, pl.col("frame").cast(pl.Int64))
    )
    return pl.concat([single, renamed])
