"""How well what fools one model fools another."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.base import Estimate, Rows, metric

TRANSFER = ("transfer_rate", "transfer_rate_top5")


def passed_on(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether an adversarial reached its goal on the judge as well."""
    if rows["source"].is_null().all() or rows["success"].is_null().all():
        return None
    return counted(rows).select("sample", value="success")


def matched(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the target is among the judge's five top predictions."""
    aimed = counted(rows).filter(pl.col("target").is_not_null())
    if aimed.is_empty():  # of no targets the five predictions are not even read
        return None
    targeted = aimed.filter(pl.col("top5").is_not_null())
    if targeted.is_empty():
        return None
    return targeted.select("sample", value=pl.col("top5").list.contains(pl.col("target")))


def counted(rows: Rows) -> pl.DataFrame:
    """Return the rows that transfer is counted over.

    Those of images that were attacked, whether or not that reached its goal on the model attacked,
    and that the judge has right when clean, in the same frame and seen the same way.
    """
    return rows.filter(
        (pl.col("status") == "ok")
        & pl.col("source").is_not_null()
        & pl.col("success").is_not_null()
    )


@metric(
    needs=("success",), unit="percent", direction="lower", paper="su2018", contributions=passed_on
)
def transfer_rate(rows: Rows) -> Estimate | None:
    """Percent of adversarials of the model ``source`` that reach their goal on the judge as well.

    100 · mean(success) over the images that were attacked, whether or not that fooled their source,
    and that the judge has right when clean in the same frame. The goal of an untargeted attack is that
    the judge's prediction is no longer the one on the clean image, which is the label there; of a
    targeted one that it is the target at which the source was attacked. Where source and judge are the
    same this is ``success_rate``. Interval as for ``top1``; None where nothing was attacked. Su et
    al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    return share_of(rows, passed_on(rows))


@metric(
    needs=("success", "target"),
    unit="percent",
    direction="lower",
    headline=False,
    paper="su2018",
    contributions=matched,
)
def transfer_rate_top5(rows: Rows) -> Estimate | None:
    """Percent of targeted adversarials whose target is among the judge's five top predictions.

    100 · mean(target in top5) over the images that ``transfer_rate`` is over. Only for targeted
    attacks, else None. Su et al., "Is robustness the cost of accuracy?", ECCV 2018, call it a match.
    """
    return share_of(rows, matched(rows))
