"""Verdicts of single images in two runs: tests, and the images that only one of them has right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.comparing.cells import Both, Frames
from roadworthy.comparing.result import Place, Verdicts
from roadworthy.comparing.samples import Common
from roadworthy.metrics.accuracy import right
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.mcnemar import Discordant, detectable_difference, exact_mcnemar, holm
from roadworthy.run import CellRecord, Run

NAME = pl.Categorical()
_COLUMNS: dict[str, pl.DataType] = {
    "model_a": NAME,
    "model_b": NAME,
    "data": NAME,
    "source": NAME,
    "stress": NAME,
    "variant": NAME,
    "sample": NAME,
    "flip": NAME,
    "label": NAME,
    "prediction_a": NAME,
    "prediction_b": NAME,
    "confidence_a": pl.Float32(),
    "confidence_b": pl.Float32(),
    "right_a": pl.Float32(),
    "right_b": pl.Float32(),
}
FLIPS = pl.Schema(_COLUMNS)
"""One row an image: ``flip`` is ``lost`` or ``gained``; of a sequence ``right_a`` is a share of frames."""


@dataclass(frozen=True)
class Shares:
    """The images with a verdict in both runs, ascending (N,), and the share of each that is right (2, N).

    That is 0 or 1 of a single image, and a share of its variants, or of the frames of a sequence.
    """

    numbers: NDArray[np.int64]
    right: Floats

    @property
    def change(self) -> Floats:
        """The share of the second run minus that of the first (N,)."""
        gained: Floats = self.right[1] - self.right[0]
        return gained


def shares(frames: Frames) -> Shares | None:
    """Return what two runs have right; None where there are no verdicts."""
    judged = [right(rows).drop_nulls() for rows in frames]
    if any(frame.is_empty() for frame in judged):
        return None
    numbers = [frame["sample"].to_numpy().astype(np.int64) for frame in judged]
    size = int(max(n.max() for n in numbers)) + 1
    counts = np.stack([np.bincount(n, minlength=size) for n in numbers])
    hits = [frame["value"].cast(pl.Float64).to_numpy() for frame in judged]
    sums = np.stack([np.bincount(n, h, size) for n, h in zip(numbers, hits, strict=True)])
    both = np.flatnonzero(counts.min(axis=0))
    return Shares(both, sums[:, both] / counts[:, both]) if both.size else None


def verdicts(place: Place, found: Shares) -> Verdicts:
    """Test the verdicts of one variant, or of all together.

    An image counts for the run that has more of its variants (frames) right: of one variant that is
    McNemar's exact test, of several the sign test over images, which no dependence among the
    variants of an image disturbs.
    """
    lost, gained = int((found.change < 0).sum()), int((found.change > 0).sum())
    sides = Discordant(lost, gained, found.numbers.size)
    seen = detectable_difference(sides)
    return Verdicts(
        place,
        n=sides.n,
        lost=lost,
        gained=gained,
        p=_digits(exact_mcnemar(lost, gained)),
        p_holm=None,
        detectable=None if seen is None else _digits(100 * seen),
    )


def corrected(tests: Sequence[Verdicts], alone: Sequence[bool]) -> list[Verdicts]:
    """Return ``tests`` with p-values that allow for all those of whole stresses, marked ``alone``."""
    adjusted = iter(holm([test.p for test, own in zip(tests, alone, strict=True) if own]))
    return [
        replace(test, p_holm=_digits(next(adjusted))) if own else test
        for test, own in zip(tests, alone, strict=True)
    ]


def flipped(
    common: Common, both: Both, place: Place, frames: Frames, found: Shares
) -> pl.DataFrame:
    """Return the images of one variant that only one of two runs has right, in their order."""
    chosen = np.flatnonzero(found.change)
    numbers = found.numbers[chosen]
    a, b = (_rows_of(rows, numbers) for rows in frames)
    (run_a, run_b), (cell_a, cell_b) = common.runs, both.cells
    columns = {
        "sample": common.ids(both.cells).gather(numbers),
        "flip": np.where(found.change[chosen] < 0, "lost", "gained"),
        "label": _names(run_a, cell_a, a["label"]),
        "prediction_a": _names(run_a, cell_a, a["pred"]),
        "prediction_b": _names(run_b, cell_b, b["pred"]),
        "confidence_a": a["conf"],
        "confidence_b": b["conf"],
        "right_a": found.right[0][chosen],
        "right_b": found.right[1][chosen],
    }
    facts = place.as_dict()
    same = {name: value for name, value in facts.items() if name in FLIPS}
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(value, dtype=NAME).alias(name)
        for name, value in {"data": facts["data_a"], **same}.items()
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in FLIPS.items())


def _rows_of(rows: pl.DataFrame, numbers: NDArray[np.int64]) -> pl.DataFrame:
    """Return the first record of each sample; rows are sorted by sample."""
    first = np.searchsorted(rows["sample"].to_numpy(), numbers)
    return rows.select("label", "pred", "conf")[first]


def _names(run: Run, cell: CellRecord, classes: pl.Series) -> pl.Series:
    known, names = classes.drop_nulls().unique().to_list(), run.class_names(cell.model)
    texts = [names[label] if 0 <= label < len(names) else str(label) for label in known]
    return classes.replace_strict(known, texts, default=None, return_dtype=pl.String)


def _digits(value: float) -> float:
    return float(f"{value:.9g}")
