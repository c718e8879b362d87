"""Sufficient input subsets: how large they are, where they lie and what they are worth, from records."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import verdicts
from roadworthy.metrics.order import median
from roadworthy.metrics.samples import bounded_mean

OF_SUBSETS = (
    *("subset_top1", "random_subset_top1", "subset_confidence", "sufficient_rate"),
    *("subset_overlap", "order_correlation"),
)
"""What is said of subsets that another model than their judge has made."""


def sizes(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the share of the pixels in the subset at the threshold."""
    return _values(_subsets(rows), "kept")


def sizes_of_right(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return `sizes` of the images that the model has right when it sees all of them."""
    return sizes(_where(rows, clean, correct=True))


def sizes_of_wrong(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return `sizes` of the images that the model has wrong when it sees all of them."""
    return sizes(_where(rows, clean, correct=False))


def minimal_sizes(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the share of the pixels that a deletion pass leaves."""
    return _values(_subsets(rows), "minimal")


def known_from_subset(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the judge knows the image from a fixed share of its pixels."""
    fixed = _no_control(rows).filter(pl.col("fraction").is_not_null())
    return _verdicts(fixed)


def known_from_random(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the judge knows the image from random pixels, draw by draw."""
    return _verdicts(_single(rows).filter(pl.col("control") == "random_subset"))


def confidences(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the probability of the class that a subset or control was made for."""
    return _values(_single(rows), "conf_target")


def sufficiencies(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the judge is as sure as the threshold."""
    return _values(_single(rows), "sufficient")


def in_border(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the share of the kept pixels near an edge."""
    return _values(_no_control(rows), "border")


def in_centre(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the share of the kept pixels in the central quarter."""
    return _values(_no_control(rows), "centre")


def overlaps(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the Jaccard index with the subset of the judge itself."""
    return _values(_no_control(rows), "overlap")


def correlations(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the rank correlation with the order of the judge itself."""
    return _values(_single(rows), "rank_correlation")


@metric(
    unit="percent", direction="higher", needs=("kept",), paper="carter2021", contributions=sizes
)
def sis_size_mean(rows: Rows) -> Estimate | None:
    """Mean size of the sufficient input subsets, in percent of the pixels.

    Over the images that have one: the model is at least as sure as the threshold of the whole image,
    and less without any pixel. Of one threshold alone, and of no control. Small subsets that people
    cannot read are what the paper calls overinterpretation. Interval over images. Carter, Jain,
    Mueller and Gifford, "Overinterpretation reveals image classification model pathologies",
    NeurIPS 2021.
    """
    return _mean(sizes(rows))


@metric(
    unit="percent",
    direction="higher",
    needs=("kept",),
    paper="carter2021",
    contributions=sizes,
    statistic="median",
)
def sis_size_median(rows: Rows) -> Estimate | None:
    """Median size of the sufficient input subsets, in percent of the pixels; see ``sis_size_mean``.

    Interval by order statistics. Carter, Jain, Mueller and Gifford, NeurIPS 2021.
    """
    found = sizes(rows)
    return None if found is None else median(found["value"].to_numpy(), scale=100.0)


@metric(
    unit="percent",
    direction="neutral",
    paired=True,
    headline=False,
    needs=("kept",),
    paper="carter2021",
    contributions=sizes_of_right,
)
def sis_size_correct(rows: Rows, clean: Rows) -> Estimate | None:
    """``sis_size_mean`` over the images that the model has right when it sees all of them.

    Larger than ``sis_size_wrong`` where a model needs to see more to be right than to be sure.
    """
    return _mean(sizes_of_right(rows, clean))


@metric(
    unit="percent",
    direction="neutral",
    paired=True,
    headline=False,
    needs=("kept",),
    paper="carter2021",
    contributions=sizes_of_wrong,
)
def sis_size_wrong(rows: Rows, clean: Rows) -> Estimate | None:
    """``sis_size_mean`` over the images that the model has wrong when it sees all of them.

    The subset is one for the class that it predicts, sure of it as it is.
    """
    return _mean(sizes_of_wrong(rows, clean))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("minimal",),
    paper="carter2019",
    contributions=minimal_sizes,
)
def minimal_size_mean(rows: Rows) -> Estimate | None:
    """Mean size of the subsets after a deletion pass, in percent of the pixels.

    What is left of each subset of ``sis_size_mean`` once all that it can do without has gone. Over
    the same images; None where no such pass was made. Carter, Mueller, Jain and Gifford, "What made
    you do this? Understanding black-box decisions with sufficient input subsets", AISTATS 2019.
    """
    return _mean(minimal_sizes(rows))


@metric(
    unit="percent",
    direction="higher",
    needs=("fraction",),
    paper="carter2021",
    contributions=known_from_subset,
)
def subset_top1(rows: Rows) -> Estimate | None:
    """Percent of images whose label the model still predicts from a fixed fraction of the pixels.

    Those that its removal order keeps longest, all others masked; over the images that were ranked,
    which are those that it is sure enough of. The pixels were chosen by a model that saw all of them:
    compare with ``random_subset_top1``, and with what other models make of them. Interval as for
    ``top1``. Carter, Jain, Mueller and Gifford, NeurIPS 2021.
    """
    return share_of(rows, known_from_subset(rows))


@metric(
    unit="percent",
    direction="neutral",
    needs=("kept",),
    paper="carter2021",
    contributions=known_from_random,
)
def random_subset_top1(rows: Rows) -> Estimate | None:
    """Percent of random subsets of the same sizes from which the model still knows the image.

    Over all draws of all images that have the subset; images are the clusters of the interval.
    Carter, Jain, Mueller and Gifford, NeurIPS 2021.
    """
    return share_of(rows, known_from_random(rows))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("conf_target",),
    contributions=confidences,
)
def subset_confidence(rows: Rows) -> Estimate | None:
    """Mean probability, in percent, of the class that a subset or a control was made for.

    What the judge says when it is asked afresh. Of subsets that are enough it is at least the
    threshold; of controls it says how much of that is due to the pixels themselves.
    """
    return _mean(confidences(rows))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("sufficient",),
    contributions=sufficiencies,
)
def sufficient_rate(rows: Rows) -> Estimate | None:
    """Percent of the subsets or controls that leave the judge at least as sure as the threshold.

    100 for the subsets of the judge itself. For a random class: of how many images a subset was found
    at all. Interval as for ``top1``.
    """
    return share_of(rows, sufficiencies(rows))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("border",),
    paper="carter2021",
    contributions=in_border,
)
def border_mass(rows: Rows) -> Estimate | None:
    """Mean percent of the pixels of a subset that lie within 1/8 of a side from an edge.

    A random subset has 43.75 there on a square frame, where that is a whole number of pixels.
    """
    return _mean(in_border(rows))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("centre",),
    paper="carter2021",
    contributions=in_centre,
)
def centre_mass(rows: Rows) -> Estimate | None:
    """Mean percent of the pixels of a subset that lie in the central half of both sides.

    A random subset has 25 there.
    """
    return _mean(in_centre(rows))


@metric(
    unit="percent",
    direction="neutral",
    headline=False,
    needs=("overlap",),
    contributions=overlaps,
)
def subset_overlap(rows: Rows) -> Estimate | None:
    """Mean overlap of a subset with that of the judge itself: pixels in both over pixels in either.

    The Jaccard index in percent, over the images of which both have one. Random subsets of a share f
    of the pixels have f / (2 - f).
    """
    return _mean(overlaps(rows))


@metric(
    unit="none",
    direction="neutral",
    headline=False,
    needs=("rank_correlation",),
    contributions=correlations,
)
def order_correlation(rows: Rows) -> Estimate | None:
    """Mean rank correlation (Spearman) of an order of pixels with that of the judge itself.

    From -1 to 1, over the images that both have ordered; orders that have nothing to do with each
    other have 0. Pixels that went in one step share a rank.
    """
    found = correlations(rows)
    return None if found is None else bounded_mean(found["value"].to_numpy(), low=-1.0, high=1.0)


def _single(rows: Rows) -> Rows:
    """Return rows of one variant; without rows where they are of several."""
    return rows.clear() if rows["variant"].n_unique() > 1 else rows


def _no_control(rows: Rows) -> Rows:
    return _single(rows).filter(pl.col("control").is_null())


def _subsets(rows: Rows) -> Rows:
    """Return the subsets at a threshold: no controls, no fixed fractions."""
    return _no_control(rows).filter(pl.col("threshold").is_not_null())


def _values(rows: Rows, name: str) -> pl.DataFrame | None:
    """Return sample and value where there is one; None if there is none at all."""
    column = pl.col(name) if rows[name].dtype == pl.Boolean else pl.col(name).cast(pl.Float64)
    found = rows.select("sample", value=column).drop_nulls()
    return found if len(found) else None


def _verdicts(rows: Rows) -> pl.DataFrame | None:
    known = rows.filter(pl.col("kept").is_not_null())
    return verdicts(known, "correct").select("sample", value="correct") if len(known) else None


def _where(rows: Rows, clean: Rows, *, correct: bool) -> Rows:
    """Return the rows of the images that the model has right, or wrong, when it sees all of them."""
    right = clean.filter(pl.col("correct") == correct).select("sample").unique()
    return rows.join(right, on="sample", how="semi", maintain_order="left")


def _mean(found: pl.DataFrame | None) -> Estimate | None:
    if found is None:
        return None
    return bounded_mean(found["value"].to_numpy(), low=0.0, high=1.0, scale=100.0)
