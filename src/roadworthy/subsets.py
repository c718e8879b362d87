"""Orders of pixels as a run has kept them, and what can be read off them without any model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import RoadworthyError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from roadworthy.run import Run
    from roadworthy.stress._subsets.removal import Removal

NAME = "order"
PARTS = ("order", "confidence", "baseline", "partial")


@dataclass(frozen=True)
class Ordered:
    """The order in which the pixels of one image go, of the class ``target`` that was predicted.

    ``removal.order`` (1, h, w), uint16, is the step at which each goes, ``removal.confidence`` (1,
    steps) how sure the model is of the class before each step; the grid is that of the frame, or of
    the tokens of a transformer.
    """

    sample: str
    label: int
    target: int
    removal: Removal

    def at_threshold(self, threshold: float) -> NDArray[np.bool_] | None:
        """Return the pixels (h, w) that suffice for another threshold.

        None where there is no such subset: the whole image does not reach the threshold, or no pixel
        at all does. Raises UsageError for a threshold outside (0, 1), and for one below that of an
        order which ``early_stop`` has ended, since nobody knows how it would have gone on.
        """
        from roadworthy.stress._subsets.removal import sufficient

        if not 0 < threshold < 1:
            raise UsageError(f"threshold is a probability, above 0 and below 1, not {threshold}")
        known = self.removal.confidence[0]
        if self.removal.partial[0] and known[np.isfinite(known)][-1] >= threshold:
            raise UsageError(
                f'"{self.sample}": its order was ended before it fell below {threshold:g} '
                "(early_stop); run sis without early_stop"
            )
        found = sufficient(self.removal, threshold)
        return found.kept[0] if found.found[0] else None

    def at_fraction(self, fraction: float) -> NDArray[np.bool_] | None:
        """Return the ``fraction`` of the pixels (h, w) that goes last: whole steps, at least so many.

        None where ``early_stop`` has ended the order before. Raises UsageError for a fraction outside
        (0, 1).
        """
        from roadworthy.stress._subsets.removal import last

        if not 0 < fraction < 1:
            raise UsageError(f"fraction lies between 0 and 1, not at {fraction}")
        kept = last(self.removal, fraction)[0]
        return kept if kept.any() else None


def orders(run: Run, rows: pl.DataFrame) -> Iterator[Ordered]:
    """Yield the orders behind records of ``sis``: subsets of any size or threshold, without a model.

    ``rows`` are records of subsets; each order is yielded once, however many variants, thresholds or
    judges show something of it. Raises UsageError for records without an order, and RoadworthyError
    where a file is damaged or gone.
    """
    from roadworthy.stress._subsets.removal import Removal

    known = _ordered(rows).unique(
        ["crafting", "sample", "content"], keep="first", maintain_order=True
    )
    kept = run.store.artifacts
    for row in known.iter_rows(named=True):
        file = kept.held(row["crafting"]).get((row["sample"], row["content"]))
        if file is None:
            raise RoadworthyError(
                f"\"{row['sample']}\": its order is gone from '{kept.folder}', or damaged; the command "
                "of the run makes it again"
            )
        arrays = kept.read(file)[NAME].at(file.rows[row["sample"], row["content"]]).arrays
        removal = Removal(*(arrays[part] for part in PARTS))
        yield Ordered(row["sample"], row["label"], row["target"], removal)


def heat_maps(run: Run, rows: pl.DataFrame, *, fraction: float) -> dict[int, NDArray[np.float64]]:
    """Return for each predicted class how often a pixel is among the ``fraction`` that goes last.

    A map is (H, W), in [0, 1], over the images of ``rows`` that are taken for the class; ``rows`` are
    records of one ``sis`` on one model. Where subsets lie at the same place in all images of a class
    they lie there for the network's sake. Raises what `orders` raises, UsageError for a fraction
    outside (0, 1) and for rows of several orders.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"fraction lies between 0 and 1, not at {fraction}")
    if _ordered(rows)["crafting"].n_unique() > 1:
        raise UsageError(
            "a heat map is of one order of pixels: filter the records by 'source' and 'stress'"
        )
    sums: dict[int, NDArray[np.float64]] = {}
    counts: dict[int, int] = {}
    for one in orders(run, rows):
        kept = one.at_fraction(fraction)
        if kept is None:
            continue
        sums[one.target] = sums.get(one.target, np.zeros(kept.shape)) + kept
        counts[one.target] = counts.get(one.target, 0) + 1
    return {target: sums[target] / counts[target] for target in sorted(sums)}


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the records with an order behind them, and as ``crafting`` what made it: its folder."""
    import polars as pl

    known = rows.filter(
        pl.col("control").is_null() & pl.col("kept").is_not_null() & (pl.col("artifact") != "")
    )
    if known.is_empty():
        raise UsageError("orders of pixels are behind records of sis; these are of something else")
    return known.with_columns(crafting=pl.col("artifact").str.split("/").list.get(1))
