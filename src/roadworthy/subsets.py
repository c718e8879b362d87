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
    """The order in which the pixels of one image go, of the class ``target`` that was predicted."""

    sample: str
    label: int
    target: int
    removal: Removal


def orders(run: Run, rows: pl.DataFrame) -> Iterator[Ordered]:
    """Yield the orders behind records of ``sis``: subsets of any size or threshold, without a model.

    ``rows`` are records of subsets, no controls; each (sample, source) is yielded once. See
    `roadworthy.stress._subsets.removal` for what to read off. Raises UsageError for records without
    an order, and RoadworthyError where a file is damaged or gone.
    """
    import polars as pl

    from roadworthy.stress._subsets.removal import Removal

    known = rows.filter(pl.col("control").is_null() & pl.col("kept").is_not_null())
    known = known.filter(pl.col("artifact").is_not_null())
    if known.is_empty():
        raise UsageError("orders of pixels are behind records of sis; these are of something else")
    known = known.unique(["sample", "source"], keep="first", maintain_order=True)
    kept = run.store.artifacts
    for row in known.iter_rows(named=True):
        file = kept.held(row["artifact"].split("/")[1]).get((row["sample"], row["content"]))
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
    records of ``sis``, of one source. Where subsets lie at the same place in all images of a class
    they lie there for the network's sake. Raises what `orders` raises, UsageError for a fraction
    outside (0, 1) and for rows of several sources.
    """
    from roadworthy.stress._subsets.removal import last

    if not 0 < fraction < 1:
        raise UsageError(f"fraction lies between 0 and 1, not at {fraction}")
    if rows["source"].drop_nulls().n_unique() > 1:
        raise UsageError("a heat map is of one source: filter the records by 'source'")
    sums: dict[int, NDArray[np.float64]] = {}
    counts: dict[int, int] = {}
    for one in orders(run, rows):
        kept = last(one.removal, fraction)[0]
        sums[one.target] = sums.get(one.target, np.zeros(kept.shape)) + kept
        counts[one.target] = counts.get(one.target, 0) + 1
    return {target: sums[target] / counts[target] for target in sorted(sums)}
