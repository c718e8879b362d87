"""The harness tells the truth: turns, processes, ratios, bounds, disagreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.harness import BenchError, Outcome, run
from bench.machine import Others, disturbed
from bench.race import Comparison, Lap, Race, Side
from bench.ratios import lines, per_round
from bench.rows import races
from bench.table import merge, page

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def _sides_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", f"{root}:{HERE}")


def _side(
    name: str, function: str, environment: Mapping[str, str] | None = None, **kw: Any
) -> Side:
    return Side(name, f"bench_sides:{function}", kw, environment=environment or {})


def _silent(_: str) -> None:
    return


@pytest.mark.parametrize("quick", [False, True])
def test_no_two_lines_have_one_name_by_which_the_table_keeps_them(quick: bool) -> None:
    names = [one.name for race in races(quick=quick) for one in race.comparisons]
    assert sorted(names) == sorted(set(names))


def test_sides_take_turns_each_in_one_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    word = {"BENCH_TEST_WORD": "set"}
    sides = (
        _side("a", "counter", log=str(log), who="a"),
        _side("b", "counter", word, log=str(log), who="b"),
    )
    seen: dict[str, Any] = {}

    def check(answers: Mapping[str, Any]) -> str:
        seen.update(answers)
        return "fine"

    outcome = run(Race("r", sides, (), rounds=3, check=check), say=_silent)
    ran = [line.split() for line in log.read_text().splitlines()]
    assert [name for name, _ in ran] == ["a", "b"] * 4  # one warm-up and three rounds
    assert len({(name, pid) for name, pid in ran}) == 2
    assert {name: len(found) for name, found in outcome.laps.items()} == {"a": 3, "b": 3}
    assert seen == {"a": None, "b": "set"}
    assert outcome.agreed == "fine"


def test_sides_may_share_a_process_and_be_warmed_by_less(tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    sides = (_side("a", "counter", log=log, who="a"), _side("b", "brief", log=log, who="b"))
    run(Race("r", sides, (), rounds=2, together=True), say=_silent)
    ran = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert [name for name, _ in ran] == ["a", "warm", "a", "b", "a", "b"]
    assert len({pid for _, pid in ran}) == 1


def test_times_are_those_of_the_run_and_of_its_children() -> None:
    race = Race("r", (_side("s", "sleeper", seconds=0.2), _side("w", "burner", seconds=0.3)), ())
    laps = run(race, rounds=1, say=_silent).laps
    assert 0.2 <= laps["s"][0].seconds < 1.0
    assert laps["s"][0].cpu < 0.15
    assert laps["w"][0].cpu == pytest.approx(0.3, abs=0.1)


def test_a_side_that_dies_and_sides_that_differ_are_errors() -> None:
    with pytest.raises(BenchError, match="'gone' ended"):
        run(Race("r", (_side("gone", "dying"),), ()), say=_silent)

    def check(answers: Mapping[str, Any]) -> str:
        assert answers["x"] == answers["y"], "other numbers"
        return ""

    sides = (_side("x", "sleeper", seconds=0), _side("y", "sleeper", seconds=0, answer=1))
    with pytest.raises(BenchError, match="do not agree: other numbers"):
        run(Race("r", sides, (), check=check), rounds=1, say=_silent)


def _outcome(**seconds: list[float]) -> Outcome:
    laps = {name: [Lap(s, 2 * s) for s in values] for name, values in seconds.items()}
    return Outcome(laps, "", others=0.1, load_before=0.0, load_after=0.0)


def test_ratios_are_taken_round_by_round_against_the_fastest() -> None:
    outcome = _outcome(us=[1.0, 2.0, 4.0], slow=[9.0, 9.0, 9.0], fast=[3.0, 4.0, 20.0])
    comparisons = (
        Comparison("up", "us", ("slow", "fast"), bound=3.0),
        Comparison("over", "us", ("fast",), kind="overhead", bound=0.4),
        Comparison("alone", "us", kind="seconds", bound=2.0),
    )
    up, over, alone = lines(Race("r", (), comparisons), outcome, start_load=0.0, when="now")
    assert (up.against, up.low, up.median, up.high, up.met) == ("fast", 2.0, 3.0, 5.0, True)
    assert over.median == pytest.approx(1 / 3)
    assert over.met
    assert (alone.against, alone.median, alone.low, alone.high) == ("", 2.0, 1.0, 4.0)
    assert alone.met
    assert per_round(comparisons[0], [1.0], [2.5]) == [2.5]


@pytest.mark.parametrize(
    ("kind", "bound", "met"),
    [
        ("speedup", 2.1, False),
        ("speedup", 2.0, True),
        ("overhead", 0.49, False),
        ("speedup", None, None),
    ],
)
def test_bounds(kind: Any, bound: float | None, met: bool | None) -> None:
    comparison = Comparison("c", "us", ("them",), kind=kind, bound=bound)
    outcome = _outcome(us=[1.0], them=[2.0])
    (line,) = lines(Race("r", (), (comparison,)), outcome, start_load=0.0, when="now")
    assert line.met is met


def test_other_processes_are_what_the_machine_did_beyond_the_side() -> None:
    others = Others()
    others.add(2.0, 5.0, 3.0)
    others.add(2.0, 1.0, 1.5)  # never negative
    assert others.cores == pytest.approx(0.5)
    assert disturbed(0.5, 0.0)
    assert disturbed(0.0, 1.6)
    assert not disturbed(0.1, 1.0)


def test_new_lines_replace_those_of_the_same_name_and_busy_ones_are_marked(tmp_path: Path) -> None:
    def taken(name: str, us: float, load: float = 0.0) -> Any:
        race = Race(f"of {name}", (), (Comparison(name, "us", ("them",), bound=2.0),), note="why")
        (line,) = lines(race, _outcome(us=[us], them=[2.0]), start_load=load, when="now")
        return line

    path = tmp_path / "lines.json"
    merge(path, [taken("first", 1.0), taken("second", 1.0)], {"processor": "old"})
    merged = merge(path, [taken("first", 4.0, load=9.0)], {"processor": "new"})
    text = page(merged)
    rows = [row for row in text.splitlines() if row.startswith(("| first", "| second"))]
    assert len(rows) == 2
    assert "0.50 × †" in rows[0]
    assert "**no**" in rows[0]
    assert "2.00 × |" in rows[1]
    assert "| yes |" in rows[1]
    assert "1. processor: new" in text
    assert "2. processor: old" in text
    renamed = replace(taken("other", 1.0), race="of second")
    assert [line["name"] for line in merge(path, [renamed], {})] == ["first", "other"]


def test_every_row_family_is_found_and_its_comparisons_name_its_sides() -> None:
    found = races(quick=True)
    known = "clean", "overhead photos", "again large", "pgd passes", "processes", "corruptions"
    assert set(known) <= {race.name for race in found}
    for race in found:
        names = {side.name for side in race.sides}
        assert len(names) == len(race.sides)
        for comparison in race.comparisons:
            assert {comparison.ours, *comparison.against} <= names
