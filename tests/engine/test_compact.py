"""Compaction: many parts become one file, whatever happens in between no row counts twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from part_makers import rows, samples, write, write_run

from roadworthy.engine.compact import compact
from roadworthy.engine.parts import METADATA_KEY
from roadworthy.engine.store import Store
from roadworthy.errors import RoadworthyError
from roadworthy.run import Run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with ten parts of ten samples, and a cell that asks for them."""
    made = Store.create(tmp_path / "out")
    for start in range(0, 100, 10):
        write(made, start, start + 10)
    write(made, 0, 10, "other")
    cell = {"data": "d", "model": "m", "stress": "s", "precision": "fp32", "request": "r"}
    cell["manifest"] = made.write_manifest(samples(0, 100)[::-1])
    write_run(made, 1, cells=[cell])
    return made


def _read(store: Store) -> pl.DataFrame:
    return Run(store.folder).rows()


def _paths(store: Store) -> set[Path]:
    return set((store.folder / "records").glob("*/*"))


def test_ten_parts_become_one_with_the_same_rows_in_the_order_of_the_manifest(
    store: Store,
) -> None:
    before = _read(store)
    assert before["sample"].to_list() == [str(i) for i in range(99, -1, -1) for _ in "12"]
    keys = {k for p in store.parts()[0] if p.request == "r" for k in p.keys}
    (path,) = compact(store, ["r"])
    assert len(_paths(store)) == 2
    assert _read(store).equals(before)
    (part,) = (p for p in Store.open(store.folder).parts()[0] if p.request == "r")
    assert part.path == path
    assert part.keys == keys
    assert [m["samples"] for m in part.members] == [10] * 10
    assert all("seconds" in m for m in part.members)
    assert part.footer["versions"][part.members[0]["versions"]]["polars"] == pl.__version__
    assert METADATA_KEY in pl.read_parquet_metadata(path)
    assert store.finished(["r"])["r"] == {(s.id, s.content) for s in samples(0, 100)}


def test_few_parts_stay_as_they_are(store: Store) -> None:
    before = _paths(store)
    assert compact(store, ["r", "other"], most=10) == []
    assert _paths(store) == before
    assert len(compact(store, ["r", "other"], most=9)) == 1


def test_a_crash_before_the_parts_are_removed_counts_nothing_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _read(store)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(RoadworthyError, match=r"cannot remove .*nothing is lost"):
            compact(store, ["r"])
    assert len(_paths(store)) == 12
    assert _read(store).equals(before)
    assert len(Store.open(store.folder).parts()[0]) == 2
    assert compact(Store.open(store.folder), ["r"]) == []
    assert len(_paths(store)) == 2
    assert _read(store).equals(before)


def test_two_processes_write_the_same_file(store: Store, tmp_path: Path) -> None:
    other = Store.open(store.folder)
    other.parts()
    (first,) = compact(store, ["r"])
    data = first.read_bytes()
    # The other one still knows the parts that are gone now.
    assert compact(other, ["r"]) == []
    assert first.read_bytes() == data
    assert len(_paths(store)) == 2


def test_files_that_overlap_give_each_sample_once(store: Store) -> None:
    before = _read(store)
    compact(store, ["r"])
    write(store, 5, 25)
    write(store, 90, 100)
    assert len(_paths(store)) == 4
    assert _read(store).equals(before)


def test_compacting_again_takes_in_what_came_later(store: Store) -> None:
    compact(store, ["r"])
    for start in range(100, 120, 2):
        write(store, start, start + 2)
    compact(store, ["r"])
    assert len(_paths(store)) == 2
    (part,) = (p for p in store.parts()[0] if p.request == "r")
    assert len(part.members) == 20
    held = store.held([part])[part]
    assert len(held.judged) == 120
    assert store.rows_of([part]).collect().height == 240


def test_a_damaged_part_is_not_taken_in(store: Store) -> None:
    bad = sorted(_paths(store))[0]
    request = next(p.request for p in store.parts()[0] if p.path == bad)
    bad.write_bytes(bad.read_bytes()[:-9])
    fresh = Store.open(store.folder)
    compact(fresh, ["r"])
    assert bad.exists()
    lost = 10 if request == "r" else 0
    assert len(fresh.finished(["r"])["r"]) == 100 - lost


def test_a_failed_sample_that_was_judged_later_is_one_that_was_judged(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "out")
    store.sequence = 1
    write(store, 0, 5)
    write(store, 5, 6, status="failed", reason="old")
    write(store, 6, 7, status="failed", reason="old")
    store.sequence = 2
    write(store, 5, 7, status="failed", reason="new")
    parts = store.parts()[0]
    found = store.rows_of(parts).collect().filter(pl.col("status") == "failed")
    assert found["reason"].to_list() == ["new", "new"]
    compact(store, ["r"], most=1)
    store.sequence = 3
    write(store, 6, 7)  # the key of a part that the compacted file lists
    parts = store.parts()[0]
    assert len(parts) == 2
    found = store.rows_of(parts).collect()
    assert found.filter(pl.col("sample") == "6").equals(rows(samples(6, 7)))
    assert found.filter(pl.col("status") == "failed")["sample"].to_list() == ["5"]
    assert store.finished(["r"])["r"] == {(s.id, s.content) for s in samples(0, 7)}
    left = store.finished(["r"], retry_failed=True)["r"]
    assert {s for s, _ in left} == {"0", "1", "2", "3", "4", "6"}
    compact(store, ["r"], most=1)
    assert (
        store.rows_of(store.parts()[0])
        .collect()
        .sort("sample", "variant")
        .equals(found.sort("sample", "variant"))
    )


def test_columns_of_one_value_are_told_by_the_footer_and_come_without_being_read(
    store: Store,
) -> None:
    run = Run(store.folder)
    (cell,) = run.cells
    for joined in (False, True):
        if joined:
            compact(store, ["r"])
            run = Run(store.folder)
        whole = run.rows()
        one = {n for n in whole.columns if whole[n].n_unique() == 1}
        known = run.constants(cell)
        said = {n for n in one if whole[n].null_count() == 0}
        inexact = {n for n in said if whole[n].dtype.is_float() or whole[n].dtype.is_nested()}
        assert set(known) == one - inexact - {"variant"}
        assert known["status"] == "ok"
        assert known["linf"] is None
        assert {whole[name][0] for name in known} == set(known.values())
        found = run.unordered(cell, without=["top5"])
        assert found.schema == whole.drop("top5").schema
        order = ["sample", "variant"]
        assert found.sort(order).equals(whole.drop("top5").sort(order))


def test_what_only_some_parts_say_throughout_is_read(store: Store) -> None:
    run = Run(store.folder)
    (cell,) = run.cells
    known = run.constants(cell)
    write(store, 100, 110, status="failed", reason="lost")
    run = Run(store.folder)
    assert set(known) - set(run.constants(cell)) == {"status", "reason"}
    assert set(run.unordered(cell)["reason"]) == {None, "lost"}
    compact(store, ["r"])
    run = Run(store.folder)
    assert set(known) - set(run.constants(cell)) == {"status", "reason"}
    assert run.unordered(cell)["reason"].value_counts(sort=True).rows() == [
        (None, 200),
        ("lost", 10),
    ]
