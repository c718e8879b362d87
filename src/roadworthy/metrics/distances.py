"""How small a change suffices: medians over the images that are right when clean."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from roadworthy.metrics.attacked import elements, is_minimal, norm_of, reach
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.order import median
from roadworthy.stress.norm_names import Norm


def changes_of(rows: Rows, norm: Norm, *, per_pixel: bool = False) -> pl.DataFrame | None:
    """Return sample and value: the change in ``norm`` that an image needed; None if not measured.

    Over the images that are right when clean. ``per_pixel`` divides by the number of input elements
    and is for the attack's own norm only.
    """
    own, count = norm_of(rows), elements(rows)
    if own is None or not (own == norm or (is_minimal(rows) and not per_pixel)):
        return None
    if rows.filter("success")[norm.lower()].null_count():
        return None  # failures alone would look like a robust model
    found = reach(rows.filter(pl.col("status") != "clean_error"), norm)
    if not per_pixel:
        return found
    return None if count is None else found.with_columns(value=pl.col("value") / count)


def median_change(rows: Rows, norm: Norm, *, per_pixel: bool = False) -> Estimate | None:
    """Estimate the median of `changes_of`; None where it was not measured."""
    known = changes_of(rows, norm, per_pixel=per_pixel)
    if known is None or known.is_empty():
        return None
    values = known["value"].to_numpy()
    found = median(values)
    if found.value is None and is_minimal(rows):
        # of a fixed budget nobody expects that it suffices for half of the images
        reached = int(np.isfinite(values).sum())
        why = f"reached on {reached} of {values.size} images, so the median change is infinite"
        return replace(found, reason=f"the goal was {why}")
    return found


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    paper="brendel2019",
    contributions=partial(changes_of, norm="Linf"),
    statistic="median",
)
def median_linf(rows: Rows) -> Estimate | None:
    """Median of the largest change of any element that the attack needed, in units of [0, 1].

    Over all images that are right when clean; where the attack failed the distance is infinite, so
    that failures count instead of vanishing. Null, with the reason, where that is half of them or
    more. Of several rows of a sample the smallest counts. Interval by order statistics. Brendel et
    al., "Accurate, reliable and fast robustness evaluation", NeurIPS 2019.
    """
    return median_change(rows, "Linf")


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    paper="brendel2019",
    contributions=partial(changes_of, norm="L2"),
    statistic="median",
)
def median_l2(rows: Rows) -> Estimate | None:
    """Median of the Euclidean length of the change that the attack needed, pixels in [0, 1].

    Over all images that are right when clean, failures as infinity; see ``median_linf``. For
    attacks in this norm and for those in others that look for the smallest change: theirs is small
    in their own.
    Brendel et al., "Accurate, reliable and fast robustness evaluation", NeurIPS 2019.
    """
    return median_change(rows, "L2")


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    paper="brendel2019",
    contributions=partial(changes_of, norm="L1"),
    statistic="median",
)
def median_l1(rows: Rows) -> Estimate | None:
    """Median of the sum of absolute changes of all elements that the attack needed, in [0, 1] units.

    Over all images that are right when clean, failures as infinity; see ``median_linf``. For
    attacks in this norm and for those in others that look for the smallest change: theirs is small
    in their own.
    Brendel et al., "Accurate, reliable and fast robustness evaluation", NeurIPS 2019.
    """
    return median_change(rows, "L1")


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    paper="brendel2019",
    contributions=partial(changes_of, norm="L0"),
    statistic="median",
)
def median_l0(rows: Rows) -> Estimate | None:
    """Median of the number of elements (channels of pixels) that the attack needed to change.

    Over all images that are right when clean, failures as infinity; see ``median_linf``. For
    attacks in this norm and for those in others that look for the smallest change: theirs is small
    in their own. Brendel et al., "Accurate, reliable and fast robustness evaluation", NeurIPS 2019.
    """
    return median_change(rows, "L0")


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    headline=False,
    paper="su2018",
    contributions=partial(changes_of, norm="Linf", per_pixel=True),
    statistic="median",
)
def median_linf_per_pixel(rows: Rows) -> Estimate | None:
    """``median_linf`` divided by the number of input elements (height x width x channels).

    The unit of the survey's figures, in which networks of different frames are compared. Only for
    attacks in this norm. Su et al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    return median_change(rows, "Linf", per_pixel=True)


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    headline=False,
    paper="su2018",
    contributions=partial(changes_of, norm="L2", per_pixel=True),
    statistic="median",
)
def median_l2_per_pixel(rows: Rows) -> Estimate | None:
    """``median_l2`` divided by the number of input elements (height x width x channels).

    The unit of the survey's figures, in which networks of different frames are compared. Only for
    attacks in this norm. Su et al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    return median_change(rows, "L2", per_pixel=True)


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    headline=False,
    paper="su2018",
    contributions=partial(changes_of, norm="L1", per_pixel=True),
    statistic="median",
)
def median_l1_per_pixel(rows: Rows) -> Estimate | None:
    """``median_l1`` divided by the number of input elements (height x width x channels).

    The unit of the survey's figures, in which networks of different frames are compared. Only for
    attacks in this norm. Su et al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    return median_change(rows, "L1", per_pixel=True)


@metric(
    needs=("norm",),
    unit="none",
    direction="higher",
    headline=False,
    paper="su2018",
    contributions=partial(changes_of, norm="L0", per_pixel=True),
    statistic="median",
)
def median_l0_per_pixel(rows: Rows) -> Estimate | None:
    """``median_l0`` divided by the number of input elements: the share of elements that change.

    Networks of different frames are compared in this unit. Only for attacks in this norm. Su et
    al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    return median_change(rows, "L0", per_pixel=True)
