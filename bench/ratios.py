"""From laps to lines of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.harness import Outcome
from bench.machine import disturbed
from bench.race import Comparison, Lap, Race


@dataclass(frozen=True)
class Line:
    """One line: a ratio (or seconds) with its range over the rounds, and how it was taken."""

    race: str
    name: str
    kind: str
    against: str
    median: float
    low: float
    high: float
    cpu: float
    seconds: float
    bound: float | None
    rounds: int
    agreed: str
    others: float
    disturbed: bool
    when: str
    note: str

    @property
    def met(self) -> bool | None:
        """Whether the bound is met; None without one."""
        if self.bound is None:
            return None
        return self.median >= self.bound if self.kind == "speedup" else self.median <= self.bound


def lines(race: Race, outcome: Outcome, *, start_load: float, when: str) -> list[Line]:
    """Return one line for each comparison of a race."""
    return [_line(race, one, outcome, start_load, when) for one in race.comparisons]


def _line(race: Race, one: Comparison, outcome: Outcome, start_load: float, when: str) -> Line:
    ours = [lap.of(one.part) for lap in outcome.laps[one.ours]]
    their_part = one.of or one.part
    rival = fastest(outcome, one.against, their_part)
    theirs = [lap.of(their_part) for lap in outcome.laps[rival]] if rival else []
    found = per_round(one, [lap.seconds for lap in ours], [lap.seconds for lap in theirs])
    work = per_round(one, [lap.cpu for lap in ours], [lap.cpu for lap in theirs])
    return Line(
        race=race.name,
        name=one.name,
        kind=one.kind,
        against=one.of or rival,
        median=median(found),
        low=min(found),
        high=max(found),
        cpu=median(work),
        seconds=median(lap.seconds for lap in ours),
        bound=one.bound,
        rounds=len(found),
        agreed=outcome.agreed,
        others=outcome.others,
        disturbed=disturbed(outcome.others, start_load),
        when=when,
        note=race.note,
    )


def fastest(outcome: Outcome, names: Sequence[str], part: str = "") -> str:
    """Return which of the sides has the lowest median, or an empty text where there are none."""

    def typical(name: str) -> float:
        laps: list[Lap] = outcome.laps[name]
        return median(lap.of(part).seconds for lap in laps)

    return min(names, key=typical, default="")


def per_round(one: Comparison, ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio of each round, neighbours in time; our seconds where nothing is compared."""
    if one.kind == "seconds":
        return list(ours)
    pairs = [(max(a, 1e-9), max(b, 1e-9)) for a, b in zip(ours, theirs, strict=True)]
    return [b / a if one.kind == "speedup" else a / b for a, b in pairs]
