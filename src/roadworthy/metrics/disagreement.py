"""How often predictions change: against clean, and along a sequence."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, is_clean, paired_verdicts
from roadworthy.metrics.interval import proportion


@metric(unit="percent", direction="lower", paired=True)
def disagreement(rows: Rows, clean: Rows) -> Estimate | None:
    """Percent of predictions that differ from the same model's prediction on the clean image.

    100 · mean(pred ≠ clean pred) over all variants (frames of a sequence) of the samples that have
    both; labels play no role. Interval as for ``top1``. None for ``clean`` itself and where there
    are no predictions. Also called churn: Milani Fard et al., "Launch and iterate: reducing
    prediction churn", NeurIPS 2016.
    """
    if is_clean(rows) or not _has_predictions(rows):
        return None
    pairs = paired_verdicts(rows, clean, "pred")
    data = cluster(pairs.select("sample", changed=pl.col("pred") != pl.col("clean")))
    return proportion(data.sums(data["changed"]), data.counts)


@metric(unit="percent", direction="lower", paper="hendrycks2019")
def flip_probability(rows: Rows) -> Estimate | None:
    """Percent of steps along a sequence at which the prediction changes.

    100 · mean over sequences and frames j = 2..n of [pred(j) ≠ pred(j - 1)], each sequence with
    the same number of steps alike; the frames of noise perturbations have no order, so they are
    compared with frame 1. Sequences of one frame have no step. Clustered interval over samples.
    None for stresses that are not sequences. Hendrycks and Dietterich, "Benchmarking neural
    network robustness to common corruptions and perturbations", ICLR 2019.
    """
    frames = pl.col("frames_pred")
    noise = pl.col("stress").str.extract(r"^([^(]*)").str.contains("noise")
    sequences = rows.filter(frames.list.len() > 1).select("sample", "frames_pred", noise=noise)
    if sequences.is_empty():
        return None
    steps = frames.list.len() - 1
    before = (
        pl.when("noise")
        .then(frames.list.first().repeat_by(steps))
        .otherwise(frames.list.head(steps))
    )
    changed = sequences.select("sample", after=frames.list.tail(steps), before=before)
    data = cluster(
        changed.explode("after", "before").select(
            "sample", changed=pl.col("after") != pl.col("before")
        )
    )
    return proportion(data.sums(data["changed"]), data.counts)


def _has_predictions(rows: Rows) -> bool:
    return rows.is_empty() or not (rows["pred"].is_null() & rows["frames_pred"].is_null()).all()
