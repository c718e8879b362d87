"""How often predictions change against clean."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, is_clean, paired_verdicts
from roadworthy.metrics.interval import proportion
from roadworthy.metrics.samples import by_sample


def changed(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether a prediction is not that on the clean image."""
    if is_clean(rows) or not _has_predictions(rows):
        return None
    pairs = paired_verdicts(rows, clean, "pred")
    return by_sample(pairs["sample"], pairs["pred"] != pairs["clean"])


@metric(unit="percent", direction="lower", paired=True, contributions=changed)
def disagreement(rows: Rows, clean: Rows) -> Estimate | None:
    """Percent of predictions that differ from the same model's prediction on the clean image.

    100 · mean(pred ≠ clean pred) over all variants (frames of a sequence) of the samples that have
    both; labels play no role. Interval as for ``top1``. None for ``clean`` itself and where there
    are no predictions. Also called churn: Milani Fard et al., "Launch and iterate: reducing
    prediction churn", NeurIPS 2016.
    """
    found = changed(rows, clean)
    if found is None:
        return None
    data = cluster(found, rows)
    return proportion(data.sums(data["value"]), data.counts)


def _has_predictions(rows: Rows) -> bool:
    return rows.is_empty() or any(
        rows[name].null_count() < len(rows) for name in ("pred", "frames_pred")
    )
