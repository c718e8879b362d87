"""From records to arrays: the verdicts of single images and of sequences, grouped by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.samples import floats
from roadworthy.metrics.seen import distinct, once, once_with
from roadworthy.stress.reference import is_clean as of_clean

FRAMES = {"pred": "frames_pred", "correct": "frames_correct", "conf": "frames_conf"}


@dataclass(frozen=True)
class Groups:
    """Which rows are of one sample: ``index`` (rows,) is 0 .. ``size`` - 1, ascending; ``ids`` (rows,)."""

    index: NDArray[np.int64]
    size: int
    ids: pl.Series

    @property
    def single(self) -> bool:
        """Whether every sample has exactly one row."""
        return self.size == self.index.size

    @cached_property
    def counts(self) -> Floats:
        """Number of rows of each sample (size,)."""
        if self.single:
            return np.ones(self.size)
        return np.bincount(self.index, minlength=self.size).astype(np.float64)


@dataclass(frozen=True)
class Clusters:
    """Rows as float arrays in an order that depends on their content only.

    ``groups`` says of which sample each row is; ``values`` has one array (rows,) for every column.
    """

    groups: Groups
    values: Mapping[str, Floats]

    @property
    def index(self) -> NDArray[np.int64]:
        """The sample of each row (rows,), 0 .. ``size`` - 1, ascending."""
        return self.groups.index

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.groups.size

    @property
    def ids(self) -> pl.Series:
        """Id of the sample of each row (rows,)."""
        return self.groups.ids

    @property
    def samples(self) -> pl.Series:
        """Ids of the samples (size,)."""
        return self.ids.unique(maintain_order=True)

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]

    @property
    def single(self) -> bool:
        """Whether every sample has exactly one row."""
        return self.groups.single

    @cached_property
    def measured(self) -> bool:
        """Whether there are rows, and finite numbers only."""
        return bool(self.size) and all(np.isfinite(v).all() for v in self.values.values())

    @property
    def counts(self) -> Floats:
        """Number of rows of each sample (size,)."""
        return self.groups.counts

    def sums(self, rows: Floats) -> Floats:
        """Sum one number a row over the rows of each sample (size,)."""
        if self.single:
            return rows
        return np.bincount(self.index, weights=rows, minlength=self.size).astype(np.float64)


def cluster(
    frame: pl.DataFrame, rows: pl.DataFrame | None = None, *, names: Sequence[str] = ()
) -> Clusters:
    """Group a frame by its column ``sample``; rows with a null in any column are left out.

    Rows are sorted by content: float sums then do not depend on the order of the parts. Those whose
    samples are numbers already stand in an order that does not. If ``frame`` is of the samples of
    ``rows``, one for one, they are grouped once for all that is made of these. Values are those of
    ``names``, or of all columns.
    """
    names = names or [name for name in frame.columns if name != "sample"]
    frame = without_nulls(frame, ("sample", *names))
    groups = _groups_of(frame["sample"], rows)
    if groups is None:
        frame = frame.sort("sample", *names)
        groups = _grouped(frame["sample"], _changes(frame["sample"]))
    return Clusters(groups, {name: floats(frame[name]) for name in names})


def _groups_of(sample: pl.Series, rows: pl.DataFrame | None) -> Groups | None:
    """Return which rows are of one sample; None if their order may depend on the parts."""

    def made() -> Groups | None:
        first = _first_rows(sample)
        return None if first is None else _grouped(sample, first)

    same = rows is not None and len(sample) == len(rows) and sample.equals(rows["sample"])
    return once(rows, "groups", made) if rows is not None and same else made()


def _grouped(sample: pl.Series, first: NDArray[np.bool_]) -> Groups:
    size = int(np.count_nonzero(first))
    index = np.arange(size) if size == len(first) else np.cumsum(first) - 1
    return Groups(index, size, sample)


def _first_rows(sample: pl.Series) -> NDArray[np.bool_] | None:
    """Return which rows are the first of their sample; None if the order may depend on the parts."""
    if sample.dtype.is_integer():
        numbers = sample.to_numpy()
        ordered = bool((numbers[1:] >= numbers[:-1]).all())
        return _changes(sample) if ordered else None
    ascending = bool((sample.slice(1) > sample.slice(0, max(0, len(sample) - 1))).all())
    return np.ones(len(sample), bool) if ascending else None


def _changes(sample: pl.Series) -> NDArray[np.bool_]:
    first = np.ones(len(sample), bool)
    first[1:] = (sample.slice(1) != sample.slice(0, max(0, len(sample) - 1))).to_numpy()
    return first


def judged(rows: pl.DataFrame, *names: str) -> Clusters:
    """Group `verdicts` by sample; once for all metrics of the same records."""
    return once(
        rows,
        ("judged", names),
        lambda: cluster(verdicts(rows, *names), rows, names=names),
    )


def verdicts(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return sample, label and some of pred, correct, conf: one row a judged image.

    A sequence gives one row a frame. The unattacked image of a row ``clean_error`` is wrong, so
    that row is, too.
    """
    found: pl.DataFrame = once(rows, ("verdicts", names), lambda: _verdicts(rows, names))
    return found


def _verdicts(rows: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    plain = pl.DataFrame([rows["sample"], rows["label"], *(rows[name] for name in names)])
    if "correct" in names and (wrong := rows["status"] == "clean_error").any():
        plain = plain.with_columns(correct=plain["correct"] & ~wrong)
    plain, lists = without_nulls(plain, names), [FRAMES[name] for name in names]
    if any(rows[name].null_count() == rows.height for name in lists):
        return plain
    frames = without_nulls(rows.select("sample", "label", *lists), lists).explode(lists)
    named = frames.rename(dict(zip(lists, names, strict=True)))
    return pl.concat([plain, without_nulls(named, names)])


def without_nulls(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Leave out rows with a null in one of the columns; free where there is none."""
    if any(frame[name].null_count() for name in names):
        return frame.drop_nulls(list(names))
    return frame


def paired_verdicts(rows: pl.DataFrame, clean: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return sample, label, ``name`` under stress and ``name`` clean, over the common samples."""
    return once_with(rows, clean, name, lambda: _paired(rows, clean, name))


def _paired(rows: pl.DataFrame, clean: pl.DataFrame, name: str) -> pl.DataFrame:
    judged_rows = verdicts(rows, name)
    once_each = once(clean, ("reference", name), lambda: _reference(clean, name))
    if rows["sample"].dtype.is_integer() and clean["sample"].dtype.is_integer():
        return _looked_up(judged_rows, once_each)
    return judged_rows.join(once_each, on="sample", maintain_order="left")


def _reference(clean: pl.DataFrame, name: str) -> pl.DataFrame:
    reference = verdicts(clean, name).select("sample", pl.col(name).alias("clean"))
    return reference.unique("sample", keep="first", maintain_order=True)


def _looked_up(rows: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Join by numbers of samples, which are small and dense."""
    if rows["sample"].equals(reference["sample"]):
        return rows.hstack([reference["clean"]])
    largest = max(_largest(rows), _largest(reference))
    table = np.full(largest + 1, len(reference), np.uint32)
    table[reference["sample"].to_numpy()] = np.arange(len(reference), dtype=np.uint32)
    place = table[rows["sample"].to_numpy()]
    known = place < len(reference)
    if not known.all():
        rows, place = rows.filter(pl.Series(known)), place[known]
    return rows.hstack([reference["clean"].gather(pl.Series(place))])


def _largest(rows: pl.DataFrame) -> int:
    return int(rows["sample"].max() or 0)  # type: ignore[arg-type]


def unmeasured(rows: pl.DataFrame, data: Clusters) -> Estimate | None:
    """Return what a metric says without usable numbers: None where it does not apply to the rows."""
    if data.size or rows.is_empty():
        return Estimate(None, None, None, data.size)
    return None


def is_clean(rows: pl.DataFrame) -> bool:
    """Whether these are the records of the unstressed images themselves."""
    return once(rows, "clean", lambda: any(of_clean(one or "") for one in distinct(rows, "stress")))
