"""Records of one cell as one row a judged picture: frames of sequences become rows of their own."""

from __future__ import annotations

import polars as pl

FRAMES = {"pred": "frames_pred", "correct": "frames_correct", "conf": "frames_conf"}
_KEPT = ("sample", "label", "variant", "pipeline", "artifact")


def judgements(rows: pl.DataFrame) -> pl.DataFrame:
    """Return sample, label, variant, pipeline, artifact, pred, correct, conf and ``frame``.

    Frames are counted from 1; single pictures have none. Rows without a verdict of their own are left
    out, and sequences whose lists differ in length. Who says labels alone has no ``conf``.
    """
    usable = rows if (rows["status"] == "ok").all() else rows.filter(pl.col("status") == "ok")
    single = usable.filter(pl.col("correct").is_not_null()).select(
        *_KEPT, *FRAMES, pl.lit(None, pl.Int64).alias("frame")
    )
    if usable["frames_correct"].null_count() == usable.height:
        return single
    length = pl.col("frames_correct").list.len()
    unsaid = pl.lit(None, pl.Float32).repeat_by(length)
    whole = usable.with_columns(pl.col("frames_conf").fill_null(unsaid)).filter(
        (length > 0)
        & pl.all_horizontal(pl.col(name).list.len() == length for name in FRAMES.values())
    )
    exploded = whole.select(
        *_KEPT,
        *(pl.col(name).alias(short) for short, name in FRAMES.items()),
        frame=pl.int_ranges(1, length.cast(pl.Int64) + 1),
    ).explode(*FRAMES, "frame")
    return pl.concat([single, exploded.select(single.columns)])
