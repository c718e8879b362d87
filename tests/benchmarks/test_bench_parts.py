"""Laps with parts: each is compared by itself; and the race of the corruptions."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import corruption_side
from bench.harness import Outcome, run
from bench.race import Comparison, Lap, Race, Side, Work
from bench.ratios import lines
from bench.rows import corruptions
from bench.table import page
from PIL import Image

from roadworthy.stress import STRESSES


def in_parts() -> Work:
    """Return a side whose laps say what they like about their parts."""
    return Work(lambda: 3, parts=lambda found: {"short": (found, 1.0), "long": (30.0, 20.0)})


def test_parts_come_through_the_process_of_a_side(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(__file__)
    monkeypatch.setenv("PYTHONPATH", f"{here.parents[2]}:{here.parent}")
    race = Race("r", (Side("a", "test_bench_parts:in_parts"),), ())
    (lap,) = run(race, rounds=1, say=lambda _: None).laps["a"]
    assert lap.of("short") == Lap(3.0, 1.0)
    assert lap.of("long") == Lap(30.0, 20.0)
    assert lap.of("") is lap


def test_a_comparison_of_a_part_takes_its_times_and_its_fastest_rival() -> None:
    laps = {
        "us": [Lap(9.0, 9.0, {"x": (0.002, 1.0)})],
        "a": [Lap(1.0, 1.0, {"x": (0.008, 3.0)})],
        "b": [Lap(2.0, 1.0, {"x": (0.006, 5.0)})],
    }
    outcome = Outcome(laps, "", others=0.0, load_before=0.0, load_after=0.0)
    race = Race("r", (), (Comparison("c", "us", ("a", "b"), part="x"),))
    (line,) = lines(race, outcome, start_load=0.0, when="now")
    assert (line.against, line.cpu, line.seconds) == ("b", 5.0, 0.002)
    assert line.median == pytest.approx(3.0)
    shown = page([{**line.__dict__, "machine": {}}])
    assert "| 2.00 ms |" in shown


def test_the_race_has_a_line_for_the_sum_and_one_for_every_corruption() -> None:
    (race,) = corruptions.races(quick=True)
    parts = [one.part for one in race.comparisons]
    assert parts[:2] == ["sum", "sum"]
    assert parts[2:] == [name for name in corruptions.NAMES if name in STRESSES]
    first = race.comparisons[0]
    assert first.bound == (15.0 if len(parts) == 21 else None)
    assert {
        side.keep_memory for side in race.sides if side.name in (first.ours, *first.against)
    } == {True}


def test_our_side_makes_every_severity_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corruption_side, "_pin", lambda: None)
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 260), (128, 128, 128)).save(path)
    names = ["shot_noise", "contrast"]
    work = corruption_side.ours([str(path)], names, repeats=2)
    times = work.run()
    parts, means = work.parts(times), work.answer(times)
    assert set(parts) == {*names, "sum"}
    assert parts["sum"][0] == pytest.approx(sum(parts[name][0] for name in names))
    assert all(cpu > 0 for _, cpu in parts.values())
    assert len(set(means["shot_noise"])) == 5
    assert means["shot_noise"][-1] < means["shot_noise"][0] - 1  # clipped at white, it darkens


def test_another_mean_level_is_no_result() -> None:
    fine = {"contrast": [100.0] * 5, "frost": [100.0] * 5}
    other = {"contrast": [100.0] * 4 + [102.0], "frost": [130.0] * 5}
    assert corruptions._check({corruptions.OURS: fine, corruptions.WARM: fine}) == ""
    with pytest.raises(AssertionError, match=r"contrast: mean levels 2\.0 apart"):
        corruptions._check({corruptions.OURS: fine, corruptions.WARM: other})


def test_all_of_a_lap_is_compared_with_a_part_of_the_same_lap() -> None:
    laps = {"us": [Lap(9.0, 12.0, {"x": (6.0, 3.0)}), Lap(8.0, 12.0, {"x": (4.0, 3.0)})]}
    outcome = Outcome(laps, "", others=0.0, load_before=0.0, load_after=0.0)
    race = Race("r", (), (Comparison("c", "us", ("us",), kind="overhead", bound=1.6, of="x"),))
    (line,) = lines(race, outcome, start_load=0.0, when="now")
    assert (line.against, line.median, line.low, line.cpu, line.seconds) == (
        "x",
        1.75,
        1.5,
        4.0,
        8.5,
    )
    assert line.met is False
