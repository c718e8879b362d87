"""Stopping when precise enough: the request, the looks, coverage by simulation, and whole runs."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.engine.stops import sentences, widenings
from roadworthy.engine.until import (
    Until,
    half_width,
    parse_until,
    planned_looks,
    widened,
    widening,
)
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import wilson
from roadworthy.types import Classifier

STRESSES = ("jpeg(quality=30)", "pgd(eps=4/255, steps=3)", "pgd(eps=24/255, steps=3)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top1±1.0", Until("top1", 1.0)),
        ("top1+-1.0", Until("top1", 1.0)),
        (" ece +/- 2 ", Until("ece", 2.0)),
        ("drop±.5", Until("drop", 0.5)),
    ],
)
def test_three_ways_to_write_it(text: str, expected: Until) -> None:
    assert parse_until(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("topp1±1.0", "no metric is called 'topp1'; did you mean 'top1'"),
        ("top1±", "'' is no number; write 'top1±1.0'"),
        ("top1±one", "'one' is no number"),
        ("top1", "expected a metric and half the width"),
        ("", "expected a metric"),
        ("top1±0", "must be larger than 0, not 0"),
        ("top1±-1", "must be larger than 0, not -1"),
        ("top1+--1", "must be larger than 0, not -1"),
        ("top1±nan", "must be larger than 0, not nan"),
        ("top1±inf", "must be larger than 0, not inf"),
    ],
)
def test_bad_requests_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(rw.UsageError) as raised:
        rw.evaluate("no/such", "no:data", out="never", until=text)
    assert says in str(raised.value)
    assert f"until '{text}'" in str(raised.value)
    assert not Path("never").exists()


@pytest.mark.parametrize("samples", [1, 24, 127, 128, 300, 5000, 50_000])
@pytest.mark.parametrize("width", [0.1, 1.0, 3.0, 20.0])
def test_looks_grow_and_end_with_all_samples(samples: int, width: float) -> None:
    looks = planned_looks(samples, Until("top1", width))
    assert looks[-1] == samples
    assert all(look % 64 == 0 for look in looks[:-1])
    ratios = [after / before for before, after in pairwise(looks)]
    assert all(1.25 <= ratio <= 2.0 for ratio in ratios)
    if looks[0] > 128 and len(looks) > 1:
        # One step earlier not even verdicts that are all right would have been precise enough.
        low, high = wilson(looks[0] - 64, looks[0] - 64)
        assert 100 * float(high - low) / 2 > width


def test_one_look_needs_no_allowance_and_five_equal_ones_need_pococks() -> None:
    assert widening((500,)) == 1.0
    # Pocock (1977), table 1: two-sided 5 %, groups of equal size.
    for count, constant in ((2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)):
        looks = tuple(100 * (i + 1) for i in range(count))
        assert widening(looks) * 1.959964 == pytest.approx(constant, abs=1e-3)


def test_widening_moves_both_ends_and_stays_in_the_unit() -> None:
    single = Estimate(98.0, 96.0, 99.0, 100)
    assert widened(single, 1.5, unit="percent") == Estimate(98.0, 95.0, 99.5, 100)
    assert widened(single, 4.0, unit="percent").high == 100.0
    assert widened(single, 4.0, unit="nats").high == 102.0
    nothing = Estimate(None, None, None, 0)
    assert widened(nothing, 2.0, unit="percent") == nothing
    assert half_width(nothing) is None
    assert half_width(single) == 1.5


def _coverage(p: float, width: float, limit: int, *, runs: int, seed: int) -> tuple[float, float]:
    """Return how often the interval at the stopping time covers ``p``, and the mean n it took."""
    looks = planned_looks(limit, Until("top1", width))
    factor, rng = widening(looks), np.random.default_rng(seed)
    steps = np.diff((0, *looks))
    hits = np.cumsum(rng.binomial(steps, p, (runs, len(looks))), axis=1)
    covered = np.zeros(runs, bool)
    going, used = np.ones(runs, bool), np.zeros(runs)
    for number, n in enumerate(looks):
        value = hits[:, number] / n
        low, high = wilson(hits[:, number], n)
        low = np.maximum(0, value - factor * (value - low))
        high = np.minimum(1, value + factor * (high - value))
        stops = going & ((100 * (high - low) / 2 <= width) | (n == looks[-1]))
        covered[stops] = ((low <= p) & (p <= high))[stops]
        used[stops] = n
        going &= ~stops
    return float(covered.mean()), float(used.mean())


@pytest.mark.parametrize("p", [0.02, 0.2, 0.5, 0.76, 0.9, 0.97, 0.99, 0.995])
@pytest.mark.parametrize("width", [1.0, 2.0, 5.0])
def test_the_interval_at_the_stopping_time_covers(p: float, width: float) -> None:
    runs = 20_000
    covered, used = _coverage(p, width, 40_000, runs=runs, seed=int(1000 * p + width))
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / runs)
    assert used < 40_000


def test_the_interval_covers_at_the_worst_look_that_anybody_could_choose() -> None:
    # Stopping at the look that is furthest off is the hardest case; the plain interval fails it.
    looks, runs = planned_looks(20_000, Until("top1", 1.0)), 20_000
    steps, factor = np.diff((0, *looks)), widening(looks)
    hits = np.cumsum(np.random.default_rng(5).binomial(steps, 0.6, (runs, len(looks))), axis=1)
    value = hits / np.array(looks)
    low, high = wilson(hits, np.array(looks))
    plain = ((low <= 0.6) & (high >= 0.6)).all(axis=1).mean()
    low, high = value - factor * (value - low), value + factor * (high - value)
    wide = ((low <= 0.6) & (high >= 0.6)).all(axis=1).mean()
    assert plain < 0.85
    assert wide == pytest.approx(0.95, abs=0.008)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a class folder of 450 pictures, hard enough that some stresses break half of them."""
    return write_pictures(tmp_path_factory.mktemp("until") / "pictures", each=150, size=(8, 8))


def _last(folder: Path) -> dict[str, Any]:
    return rw.Run(folder).runs[-1]


def _cells(folder: Path) -> dict[str, dict[str, Any]]:
    return {cell["stress"]: cell for cell in _last(folder)["until"]["cells"]}


@pytest.fixture(scope="module")
def stopped(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was told to stop."""
    out = tmp_path_factory.mktemp("stopped") / "out"
    rw.evaluate(net(), f"imagefolder:{pictures}", STRESSES, out=out, until="top1±4")
    return out


def net() -> Classifier:
    """Return the network."""
    return colour_net(size=8)


def test_precise_cells_leave_and_the_others_go_on(stopped: Path, pictures: Path) -> None:
    cells = _cells(stopped)
    used = {stress: cell["samples"] for stress, cell in cells.items()}
    looks = planned_looks(450, Until("top1", 4.0))
    assert set(used.values()) <= set(looks)
    assert used["jpeg(quality=30)"] < used["pgd(eps=24/255, steps=3)"]
    assert used["clean"] == max(used.values())
    rows = rw.Run(stopped).rows()
    for stress, count in used.items():
        assert rows.filter(pl.col("stress") == stress)["sample"].n_unique() == count
        parts = _judged(stopped, stress)
        assert parts == count  # no more was done than is used


def _judged(folder: Path, stress: str) -> int:
    run = rw.Run(folder)
    request = next(cell.request for cell in run.cells if cell.stress == stress)
    return len(run.store.finished([request])[request])


def test_the_summary_has_the_samples_used_and_the_interval_that_was_looked_at(
    stopped: Path,
) -> None:
    summary = json.loads((stopped / "summary.json").read_text())
    rows = {(r["stress"], r["metric"]): r for r in summary["rows"]}
    for stress, cell in _cells(stopped).items():
        row = rows[stress, "top1"]
        assert row["n"] == cell["samples"]
        assert row["low"] == pytest.approx(cell["low"], rel=1e-8)
        assert row["high"] == pytest.approx(cell["high"], rel=1e-8)
        low, high = wilson(row["n"] * row["value"] / 100, row["n"])
        plain = 100 * float(high - low)
        assert 2 * cell["half_width"] > 1.02 * plain or row["value"] > 97
        assert rows[stress, "ece"]["n"] == cell["samples"]


def test_what_it_saved_is_said(stopped: Path) -> None:
    said = list(sentences(_last(stopped)))
    cell = _cells(stopped)["jpeg(quality=30)"]
    used, half = cell["samples"], cell["half_width"]
    assert (
        f"jpeg(quality=30): stopped at {used} of 450 samples, ±{half:.2f}; {450 - used} not needed"
        in said
    )


def test_cells_that_never_get_so_precise_say_that_too(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stress = "pgd(eps=24/255, steps=3)"
    rw.evaluate(net(), f"imagefolder:{pictures}", stress, out=out, limit=100, until="top1±0.5")
    cell = _cells(out)[stress]
    assert cell["samples"] == 100
    assert not cell["precise"]
    assert f"{stress}: ±{cell['half_width']:.2f} after all 100 samples, not ±0.5" in list(
        sentences(_last(out))
    )


def test_the_same_command_again_does_nothing(stopped: Path, pictures: Path) -> None:
    before = (stopped / "summary.json").read_bytes()
    first = _last(stopped)
    rw.evaluate(net(), f"imagefolder:{pictures}", STRESSES, out=stopped, until="top1±4")
    again = _last(stopped)
    assert again["id"] != first["id"]
    assert (again["parts_written"], again["decodes"]) == (0, 0)
    assert again["until"] == first["until"]
    assert (stopped / "summary.json").read_bytes() == before


def test_decisions_do_not_depend_on_what_the_folder_holds_already(
    stopped: Path, pictures: Path, tmp_path: Path
) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    rw.evaluate(net(), data, STRESSES[0], out=out)
    whole = json.loads((out / "summary.json").read_text())
    assert {row["n"] for row in whole["rows"]} == {450}
    run = rw.evaluate(net(), data, STRESSES, out=out, until="top1±4")
    assert _last(out)["until"] == _last(stopped)["until"]
    assert run.rows().equals(rw.Run(stopped).rows())
    rw.evaluate(net(), data, STRESSES[0], out=out)
    rows = json.loads((out / "summary.json").read_text())["rows"]
    kept = [row for row in rows if row["stress"] in ("clean", STRESSES[0])]
    assert kept == whole["rows"]  # no interval stays widened


def test_differences_take_clean_along(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rw.evaluate(net(), f"imagefolder:{pictures}", STRESSES, out=out, until="drop±5")
    cells = _cells(out)
    assert not cells["clean"]["applies"]
    assert cells["clean"]["samples"] == max(cell["samples"] for cell in cells.values())
    assert cells[STRESSES[0]]["samples"] < 450
    rows = json.loads((out / "summary.json").read_text())["rows"]
    for row in rows:
        if row["metric"] == "drop":
            assert row["n"] == cells[row["stress"]]["samples"]


def test_a_metric_that_no_stress_has(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(rw.UsageError, match="no stress of this run has the metric 'flip_prob") as e:
        rw.evaluate(
            net(), f"imagefolder:{pictures}", STRESSES[0], out=out, until="flip_probability±1"
        )
    assert "top1" in str(e.value)
    used = [len(rows) for _, rows in rw.Run(out).rows().group_by("stress")]
    assert max(used) == planned_looks(450, Until("flip_probability", 1.0))[0]


def test_a_stress_without_the_metric_runs_whole(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rw.evaluate(net(), f"imagefolder:{pictures}", STRESSES[:2], out=out, until="robust_top1±8")
    cells = _cells(out)
    assert cells[STRESSES[0]]["samples"] == 450
    assert cells[STRESSES[1]]["samples"] < 450
    assert any("has no robust_top1; 450 of 450" in line for line in sentences(_last(out)))


def test_only_the_newest_request_widens() -> None:
    cell = {"request": "a", "widened": 1.3}
    until = {"metric": "top1", "half_width": 1.0, "cells": [cell]}
    old = {"cells": [{"request": "a"}], "until": until}
    assert widenings([old]) == {("a", "top1"): 1.3}
    assert widenings([old, {"cells": [{"request": "b"}]}]) == {("a", "top1"): 1.3}
    assert widenings([old, {"cells": [{"request": "a"}]}]) == {}
