"""Which images a run holds is read once for all cells that hold the same, and never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from part_makers import write

from roadworthy.engine import store as storing
from roadworthy.engine.compact import compact
from roadworthy.engine.store import Store

ALL = {(str(i), f"c{i}") for i in range(20)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a run of three requests on the same images, whose parts were written in other orders."""
    made = Store.create(tmp_path / "out")
    for request, starts in (("a", (0, 5, 10, 15)), ("b", (10, 0, 15, 5)), ("c", (15, 10, 5, 0))):
        for start in starts:
            write(made, start, start + 5, request)
    compact(made, "abc", most=1)
    return made.folder


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many files were read each time."""
    counts: list[int] = []
    real = storing._pairs

    def noted(paths: list[str]) -> Iterable[tuple[str, pl.DataFrame]]:
        counts.append(len(paths))
        return real(paths)

    monkeypatch.setattr(storing, "_pairs", noted)
    return counts


def test_one_file_speaks_for_those_of_the_same_images(folder: Path, looked: list[int]) -> None:
    store = Store.open(folder)
    parts = store.parts()[0]
    assert len(parts) == 3
    assert len({part.standing for part in parts}) == 1
    held = store.held(parts)
    assert sum(looked) == 1
    assert all(held[part].judged == ALL and not held[part].failed for part in parts)
    assert store.finished("abc") == dict.fromkeys("abc", ALL)


def test_where_that_file_has_vanished_the_others_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(folder)
    parts = store.parts()[0]
    parts[0].path.unlink()
    held = store.held(parts)
    assert [held[part].judged for part in parts] == [set(), ALL, ALL]


def test_images_that_failed_in_one_cell_are_told_from_those_that_did_not(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "out")
    write(store, 0, 5, "a")
    write(store, 0, 5, "b", status="failed")
    write(store, 0, 4, "c")
    held = {part.request: found for part, found in store.held(store.parts()[0]).items()}
    first = {(str(i), f"c{i}") for i in range(5)}
    assert (held["a"].judged, held["a"].failed) == (first, set())
    assert (held["b"].judged, held["b"].failed) == (set(), first)
    assert held["c"].judged == first - {("4", "c4")}
