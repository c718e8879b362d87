"""`records.sql`: DuckDB sees what `Run.scan` gives, on bad days, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from engine_world import QUICK, colour_net, write_pictures
from part_makers import rows, samples, write, write_run

import roadworthy as rw
from roadworthy.engine.compact import compact
from roadworthy.engine.store import Store
from roadworthy.engine.view import view

duckdb = pytest.importorskip("duckdb")


def _seen(run: rw.Run, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows that DuckDB finds in the folder of a run."""
    monkeypatch.chdir(run.folder)
    with duckdb.connect() as connection:
        connection.execute((run.folder / "records.sql").read_text())
        found = connection.execute("SELECT * FROM records")
        return [column[0] for column in found.description], found.fetchall()


def _same(run: rw.Run, monkeypatch: pytest.MonkeyPatch) -> int:
    """Check that DuckDB finds the rows of a run in their order; returns how many there are."""
    (run.folder / "records.sql").write_text(view(run))
    names, found = _seen(run, monkeypatch)
    expected = run.rows()
    assert names == expected.columns
    assert found == expected.rows()
    return len(found)


def _asked(store: Store, count: int, *, sequence: int = 1, request: str = "r") -> None:
    """Write the file of an invocation that asked for the first ``count`` made-up samples."""
    manifest = store.write_manifest(list(reversed(samples(0, count))))
    names = {"data": "d", "model": "m", "stress": "s", "precision": "fp32"}
    cell = {**names, "request": request, "manifest": manifest}
    write_run(store, sequence, cells=[cell])


def test_a_run_as_duckdb_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures')}"
    run = rw.evaluate(colour_net(), data, QUICK, out=tmp_path / "out")
    names, found = _seen(run, monkeypatch)
    assert names == run.rows().columns
    assert found == run.rows().rows()
    fewer = rw.evaluate(colour_net(), data, QUICK, out=tmp_path / "out", limit=5)
    assert _seen(fewer, monkeypatch)[1] == fewer.rows().rows()
    assert 5 * len(QUICK) <= len(fewer.rows()) < len(run.rows())


def test_samples_in_several_parts_count_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "out")
    write(store, 0, 10, status="failed", reason="gone")
    write(store, 3, 8)
    write(store, 5, 9)
    _asked(store, 10)
    assert _same(rw.Run(store.folder), monkeypatch) == 4 + 2 * 6
    compact(store, ["r"], most=1)
    assert _same(rw.Run(store.folder), monkeypatch) == 4 + 2 * 6


def test_a_sample_that_failed_under_one_variant_keeps_that_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, chosen = Store.create(tmp_path / "out"), samples(0, 4)
    first = pl.col("variant") == "severity=1"
    made = rows(chosen).with_columns(
        status=pl.when(first).then(pl.lit("failed")).otherwise("status"),
    )
    store.write_part("r", chosen, made, footer={"stress": "s", "seconds": 0.1})
    for number in range(4):  # whatever the order of the names of files
        write(store, number, number + 1, status="failed", reason="gone")
    _asked(store, 4)
    run = rw.Run(store.folder)
    assert _same(run, monkeypatch) == 8
    assert run.rows()["status"].to_list().count("failed") == 4


def test_lists_that_are_damaged_and_files_that_are_half_there_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "out")
    half = write(store, 0, 4)
    write(store, 0, 4, "other")
    half.with_name(f".tmp-1-{half.name}").write_bytes(b"PAR1")
    half.with_name(f"{half.name}.damaged").write_bytes(b"PAR1")
    _asked(store, 3)
    old = next((store.folder / "manifests").glob("*.parquet"))
    _asked(store, 4, sequence=2)
    old.write_bytes(b"no list")
    assert _same(rw.Run(store.folder), monkeypatch) == 8
    for path in (store.folder / "manifests").glob("*.parquet"):
        path.write_bytes(b"no list")
    assert _same(rw.Run(store.folder), monkeypatch) == 0
