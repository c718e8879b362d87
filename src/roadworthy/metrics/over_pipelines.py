"""What each image contributes to metrics over several ways to read it, or to compute the network."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.samples import aligned, by_sample
from roadworthy.metrics.suite import SuiteCells


def pipelines(cells: SuiteCells) -> list[tuple[str, str]]:
    """Return (stress, variant) of every pipeline of a suite that was judged, in its order."""
    return [
        (stress, variant)
        for stress in cells.members()
        if stress in cells.rows
        for variant in cells.rows[stress]["variant"].unique(maintain_order=True).to_list()
    ]


def over_pipelines(
    cells: SuiteCells, column: str, *, reference: bool = True
) -> tuple[pl.Series, Floats]:
    """Return the images that all pipelines judged (N,), and ``column`` (N, K), first of the reference.

    Raises UsageError where there is no other pipeline, or no image that all of them judged.
    """
    found = pipelines(cells)
    if not found:
        raise UsageError("no other pipeline was judged")
    if cells.clean is None:
        raise UsageError(cells.why_no_clean or "the images were not judged as they are")
    frames = [_of(cells.rows[stress], variant, column) for stress, variant in found]
    samples, known = aligned([_column(cells.clean, column), *frames] if reference else frames)
    if not len(known):
        raise UsageError("no image was judged under every pipeline of the suite yet")
    return samples, known


def _of(rows: pl.DataFrame, variant: str, column: str) -> pl.DataFrame:
    return _column(rows.filter(pl.col("variant") == variant), column)


def _column(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select("sample", value=pl.col(column)).drop_nulls()


def verdicts_of(cells: SuiteCells) -> tuple[pl.Series, Floats, Floats]:
    """Return the images, verdicts of the reference (N, 1), 1 for right, and of the others (N, K)."""
    samples, right = over_pipelines(cells, "correct")
    return samples, right[:, :1], right[:, 1:]


def shares_right(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: the share of pipelines that have an image right."""
    samples, right = over_pipelines(cells, "correct")
    return by_sample(samples, right.mean(axis=1))


def lost_by_worst(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: what is lost under the pipeline that loses most."""
    samples, reference, others = verdicts_of(cells)
    lost = reference - others
    return by_sample(samples, lost[:, int(np.argmax(lost.mean(axis=0)))])


def mean_lost(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: what is lost on average over the other pipelines."""
    samples, reference, others = verdicts_of(cells)
    return by_sample(samples, (reference - others).mean(axis=1))


def agreed(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: 1 where all pipelines predict the same."""
    samples, predicted = over_pipelines(cells, "pred")
    same = (predicted == predicted[:, :1]).all(axis=1)
    return by_sample(samples, same.astype(np.float64))


def changed(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: the share of other pipelines that predict something else."""
    samples, predicted = over_pipelines(cells, "pred")
    return by_sample(samples, (predicted[:, 1:] != predicted[:, :1]).mean(axis=1))


def mean_zipf(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: how far the ranking of classes moves on average."""
    samples, values = over_pipelines(cells, "zipf_ref", reference=False)
    return by_sample(samples, values.mean(axis=1))


def mean_moved(cells: SuiteCells) -> pl.DataFrame:
    """Return sample and value: how far probabilities move on average, in nats."""
    samples, values = over_pipelines(cells, "kl_ref", reference=False)
    return by_sample(samples, values.mean(axis=1))


def spreads(cells: SuiteCells, *, ddof: int) -> pl.DataFrame | None:
    """Return sample and value: the standard deviation of accuracies plus each sample's influence.

    None where all accuracies are the same: there it has no slope.
    """
    samples, right = over_pipelines(cells, "correct")
    means = right.mean(axis=0)
    apart = means - means.mean()
    free = means.size - ddof
    value = float(np.sqrt(np.square(apart).sum() / max(1, free)))
    if free < 1 or value == 0:
        return None
    return by_sample(samples, value + (right - means) @ apart / (free * value))
