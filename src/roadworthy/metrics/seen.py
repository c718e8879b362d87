"""What several metrics see of the same records, worked out once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import polars as pl

T = TypeVar("T")

FEW = 100
UNLIKE = ("sample", "content", "variant")
"""Columns that are never worth a look for whether they say the same in every row."""
_KNOWN: dict[int, tuple[weakref.ref[pl.DataFrame], dict[Hashable, Any]]] = {}


class Shared(Generic[T]):
    """A value that several frames have in common, made for the first that needs it."""

    def __init__(self) -> None:
        self._made: list[T] = []

    def get(self, make: Callable[[], T]) -> T:
        """Return the value, from ``make()`` if nobody has asked before."""
        if not self._made:
            self._made.append(make())
        return self._made[0]


def share(rows: pl.DataFrame, part: pl.DataFrame, key: Hashable) -> None:
    """Let ``part``, some columns of ``rows``, have what is `Shared` under ``key`` in common with it."""
    common: Shared[Any] = once(rows, key, Shared)
    once(part, key, lambda: common)


def once_with(rows: pl.DataFrame, other: pl.DataFrame, key: Hashable, make: Callable[[], T]) -> T:
    """Return ``make()``, which depends on ``key`` and two frames, as long as both live."""
    known: dict[int, tuple[weakref.ref[pl.DataFrame], T]] = once(rows, ("with", key), dict)
    found = known.get(id(other))
    if found is None or found[0]() is not other:
        found = known[id(other)] = (weakref.ref(other), make())
    return found[1]


def once(rows: pl.DataFrame, key: Hashable, make: Callable[[], T]) -> T:
    """Return ``make()``, which depends on ``rows`` and ``key`` alone, as long as ``rows`` lives.

    It is the object that counts, not what it holds: an equal frame is another one.
    """
    place = id(rows)
    if place not in _KNOWN or _KNOWN[place][0]() is not rows:
        _KNOWN[place] = (weakref.ref(rows, lambda _: _KNOWN.pop(place, None)), {})
    made = _KNOWN[place][1]
    if key not in made:
        made[key] = make()
    found: T = made[key]
    return found


def part_of(rows: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Return ``part``, some rows of ``rows`` with all columns; what all rows say it need not look up."""
    once(part, "whole", lambda: rows)
    return part


def _whole(rows: pl.DataFrame) -> pl.DataFrame | None:
    found: pl.DataFrame | None = once(rows, "whole", lambda: None)
    return None if rows.is_empty() else found


def distinct(rows: pl.DataFrame, name: str) -> list[str | None]:
    """Return the different texts of a column; free where it is one value as a whole."""

    def found() -> list[str | None]:
        whole = _whole(rows)
        if whole is not None and len(said := distinct(whole, name)) == 1:
            return said
        return rows.select(pl.col(name).unique()).to_series().to_list()

    return once(rows, ("distinct", name), found)


def empty_columns(rows: pl.DataFrame) -> frozenset[str]:
    """Return the columns that hold nothing but nulls; every column of a frame without rows."""
    return once(
        rows, "empty", lambda: frozenset(n for n, k in _nulls(rows).items() if k == len(rows))
    )


def _nulls(rows: pl.DataFrame) -> dict[str, int]:
    """Return the number of nulls in each column."""

    def found() -> dict[str, int]:
        whole = _whole(rows)
        if whole is None:
            return rows.null_count().row(0, named=True)
        known = {len(whole): len(rows), 0: 0}
        return {
            name: rows[name].null_count() if count not in known else known[count]
            for name, count in _nulls(whole).items()
        }

    return once(rows, "nulls", found)


def says_one_thing(column: pl.Series) -> bool:
    """Whether a column of records, which has rows, says the same or nothing in all of them."""
    nulls = column.null_count()
    if nulls or column.name in UNLIKE or column.dtype.is_nested():
        return nulls == len(column)
    return of_one_value(column)


def of_one_value(column: pl.Series) -> bool:
    """Whether a column without nulls says the same in every row."""
    # the first rows of most columns differ already, and the others need no look
    return all(bool((part == column[0]).all()) for part in (column.head(FEW), column) if len(part))
