"""One other deployment of a model: files read another way, or the network computed another way."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, paired_verdicts
from roadworthy.metrics.interval import mean, proportion
from roadworthy.metrics.mcnemar import discordant, exact_mcnemar
from roadworthy.metrics.seen import distinct, once


def same(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether a changed deployment predicts what the model does as it is."""
    if not is_deployment(rows, clean):
        return None
    pairs = paired_verdicts(rows, clean, "pred")
    return pairs.select("sample", value=pl.col("pred") == pl.col("clean"))


def moved(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return sample and value: how far the probabilities of a changed deployment have moved, in nats."""
    return rows.select("sample", value="kl_ref") if is_deployment(rows, clean) else None


@metric(unit="percent", direction="higher", paired=True, headline=False, contributions=same)
def agreement(rows: Rows, clean: Rows) -> Estimate | None:
    """Percent of images on which a changed deployment predicts what the model does as it is.

    Right or wrong; the rest of 100 to ``disagreement``. Over a suite: percent of images on which all
    its pipelines agree. Only where files are read, or the network is computed, another way, else
    None. Wilson interval, clustered where a sample has several rows.
    """
    found = same(rows, clean)
    if found is None:
        return None
    data = cluster(found, rows)
    return proportion(data.sums(data["value"]), data.counts)


@metric(unit="nats", direction="lower", paired=True, headline=False, contributions=moved)
def mean_kl(rows: Rows, clean: Rows) -> Estimate | None:
    """How far probabilities move under a changed deployment: mean of KL(as it is || changed), nats.

    It sees what no prediction shows yet, and needs no labels; clustered t interval. Only where files
    are read, or the network is computed, another way, else None.
    """
    found = moved(rows, clean)
    if found is None:
        return None
    data = cluster(found, rows)
    return mean(data.sums(data["value"]), data.counts, low=0.0) if data.measured else None


@metric(unit="none", direction="neutral", paired=True, headline=False, paper="mcnemar1947")
def mcnemar_p(rows: Rows, clean: Rows) -> Estimate | None:
    """Exact p of McNemar's test that a changed deployment is right as often as the model as it is.

    Two-sided, of this pair alone: among many pipelines of a suite see the values that are corrected
    for their number (Holm) on the page. Only where files are read, or the network is computed,
    another way, and of one variant, else None. Q. McNemar, Psychometrika 12 (1947).
    """
    if not is_deployment(rows, clean) or rows["variant"].n_unique() > 1:
        return None
    pairs = paired_verdicts(rows, clean, "correct").drop_nulls()
    if pairs.is_empty():
        return None
    found = discordant(pairs["clean"].to_numpy(), pairs["correct"].to_numpy())
    return Estimate(exact_mcnemar(found.lost, found.gained), None, None, found.n)


def is_deployment(rows: Rows, clean: Rows) -> bool:
    """Whether records are of files read, or a network computed, another way than in ``clean``."""
    if rows.is_empty() or clean.is_empty() or rows["frames_pred"].null_count() < len(rows):
        return False
    changed = rows["modifier"].null_count() < len(rows)
    return changed or _pipelines(rows) != _pipelines(clean)


def _pipelines(rows: Rows) -> frozenset[str | None]:
    return once(rows, "pipelines", lambda: frozenset(distinct(rows, "pipeline")))
