"""Suites in the summary, in the table and on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from metric_records import records
from report_fakes import said
from suite_records import corrupted, judged_clean, sequences, specs

from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.report.cells import cells
from roadworthy.report.names import axis_of
from roadworthy.report.summary import summarise
from roadworthy.report.table import lines
from roadworthy.run import CellRecord, Run

ALEXNET = {"spec": "imagenet_c", "name": "imagenet_c", "version": 1, "kind": "corruptions"}
CLEAN = "clean(frame=imagenet)"


def suite(**changes: Any) -> dict[str, Any]:
    known = {**ALEXNET, "headline": "mce", "baseline": "alexnet-imagenet_c", "stresses": specs()}
    return {**known, "why_no_baseline": "", **changes}


def judged(stress: str, errors: int) -> pl.DataFrame:
    wrong = np.arange(40)[:, None] < errors + np.arange(5)
    return corrupted(stress, wrong)


def run_of(rows: Mapping[str, pl.DataFrame], *suites: Any, folder: str | None = None) -> Run:
    """Return what a summary is made from: one model and these records."""
    cell = [CellRecord("d", "m", stress, "fp32", f"r-{stress}", "x") for stress in rows]
    about = {"suites": list(suites), "cells": [], "folder": folder, "unavailable": []}
    same = {"model": pl.lit("m"), "data": pl.lit("d"), "content": pl.col("sample")}
    known = {stress: frame.with_columns(**same) for stress, frame in rows.items()}
    samples = pl.concat(f.select("sample", "content") for f in known.values()).unique("sample")
    made = SimpleNamespace(
        runs=[about],
        cells=cell,
        rows_of=lambda one: known[one.stress],
        standing=lambda one: None,
        unordered=lambda one, without=(): known[one.stress].drop(without),
        constants=lambda _: {},
        manifest=lambda _: samples,
        models=lambda: [{"spec": "m"}],
        datasets=lambda: [{"spec": "d"}],
        class_name=lambda _, label: str(label),
    )
    return cast("Run", made)


@pytest.fixture(scope="module")
def everything() -> dict[str, pl.DataFrame]:
    rows = {CLEAN: judged_clean(np.arange(40) < 10)}
    return {**rows, **{s: judged(s, 12 + i) for i, s in enumerate(specs())}}


def found(summary: Mapping[str, Any], metric: str) -> dict[str, Any]:
    return {r["stress"]: r for r in summary["rows"] if r["metric"] == metric}


def test_a_suite_has_rows_of_its_own(everything: dict[str, pl.DataFrame]) -> None:
    summary = summarise(run_of(everything, suite()))
    (row,) = found(summary, "mce").values()
    assert (row["stress"], row["variant"], row["n"]) == ("imagenet_c", "", 40)
    assert row["low"] < row["value"] < row["high"]
    ces = found(summary, "ce")
    assert list(ces) == specs()
    assert row["value"] == pytest.approx(np.mean([r["value"] for r in ces.values()]))
    # gaussian_noise: 12 + 13 + 14 + 15 + 16 wrong of 40, of 4.43214 together
    assert ces[specs()[0]]["value"] == pytest.approx(100 * 70 / 40 / 4.43214, abs=1e-4)
    errors = found(summary, "mean_error")
    assert errors["imagenet_c"]["value"] == pytest.approx(100 * (14 + 7) / 40)
    assert summary["unavailable"] == []
    assert summary["run"]["suites"][0]["baseline"] == {"name": "alexnet-imagenet_c", "version": 1}
    json.dumps(summary)


def test_a_run_is_its_own_baseline(everything: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    own = run_of(everything, suite())
    (tmp_path / "summary.json").write_text(json.dumps(summarise(own)))
    again = summarise(run_of(everything, suite(baseline="."), folder=str(tmp_path)))
    assert found(again, "mce")["imagenet_c"]["value"] == 100.0
    assert found(again, "relative_mce")["imagenet_c"]["value"] == 100.0
    assert {r["value"] for r in found(again, "ce").values()} == {100.0}


def test_without_a_baseline_values_are_null_and_the_reason_is_told(
    everything: dict[str, pl.DataFrame],
) -> None:
    why = "baseline alexnet-imagenet_c is of store=jpeg, not of store=none"
    summary = summarise(run_of(everything, suite(baseline=None, why_no_baseline=why)))
    assert found(summary, "mce")["imagenet_c"]["value"] is None
    assert all(r["value"] is None for r in found(summary, "ce").values())
    (entry,) = summary["unavailable"]
    assert entry["stress"] == "imagenet_c"
    assert entry["reason"] == f"ce, mce, relative_ce, relative_mce: {why}"
    text = lines(summary)
    assert text.count("| imagenet_c ") == 1
    assert f"n/a  imagenet_c: {entry['reason']}" in text
    assert "mCE" not in text.partition("n/a")[0]
    assert "Its mean error over imagenet_c is 52.5 %" in said(summary)


def test_an_interrupted_suite_says_what_is_missing(everything: dict[str, pl.DataFrame]) -> None:
    rest = {s: rows for s, rows in everything.items() if not s.startswith("fog")}
    summary = summarise(run_of(rest, suite()))
    assert found(summary, "mce")["imagenet_c"]["value"] is None
    assert len(found(summary, "ce")) == 14
    assert [e["reason"] for e in summary["unavailable"]] == [
        "mce, mean_error, relative_mce: fog has no results"
    ]


def test_a_baseline_of_another_protocol_is_refused(everything: dict[str, pl.DataFrame]) -> None:
    rows = {CLEAN: everything[CLEAN], "fog": judged("fog", 3), "clean": everything[CLEAN]}
    summary = summarise(run_of(rows, suite(stresses=["fog"])))
    assert "is of frame=imagenet" in summary["unavailable"][0]["reason"]


def test_failed_images_are_counted_once(everything: dict[str, pl.DataFrame]) -> None:
    failed = records(sample=["x", "y"], status="failed", variant="")
    rows = {s: pl.concat([r, failed.with_columns(stress=pl.lit(s))]) for s, r in everything.items()}
    row = found(summarise(run_of(rows, suite())), "mce")["imagenet_c"]
    assert (row["n"], row["failed"]) == (40, 2)


def test_flip_rates_stand_with_their_sequence() -> None:
    names = ["rotate(frame=imagenet, store=mp4)", "tilt(frame=imagenet, store=mp4)"]
    flips = np.arange(80).reshape(20, 4) % 8 == 0
    rows = {CLEAN: judged_clean(np.arange(20) < 3), **{n: sequences(n, flips) for n in names}}
    films = suite(
        spec="imagenet_p", kind="sequences", baseline="alexnet-imagenet_p", stresses=names
    )
    summary = summarise(run_of(rows, films))
    rates = found(summary, "flip_rate")
    assert rates[names[0]]["value"] == pytest.approx(100 * 12.5 / 13.10, abs=1e-4)
    assert rates[names[0]]["variant"] == "difficulty=1"
    (cell,) = (c for c in cells(summary) if c.stress == names[1])
    assert {"flip_rate", "flip_probability"} <= set(cell.readings)
    assert "FR, mFR %" in lines(summary)


def test_the_table_quotes_the_suite(everything: dict[str, pl.DataFrame]) -> None:
    summary = summarise(run_of(everything, suite()))
    text = lines(summary)
    last = next(line for line in text.splitlines() if line.startswith("| imagenet_c "))
    mce = found(summary, "mce")["imagenet_c"]
    assert f"{mce['value']:.1f} [{mce['low']:.1f}, {mce['high']:.1f}]" in last
    assert "imagenet_c: alexnet-imagenet_c (version 1) has 100 %" in text
    assert f"Its mCE over imagenet_c is {mce['value']:.1f} %" in said(summary)
    assert axis_of("imagenet_c(store=none)") == "suite"
    assert {name for name in CORRUPTIONS if name not in text} == set()
