"""What a benchmark is: sides that take turns, and what is read off their times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["speedup", "overhead", "seconds"]
Parts = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Work:
    """One side, set up: ``run`` is timed, ``answer`` makes what it returned comparable, untimed.

    ``parts`` reads off what it returned how long its parts took: name to wall and processor seconds,
    per unit of work, so that sides may do different amounts. ``warm`` is enough to be warm, where a
    whole run would take long.
    """

    run: Callable[[], Any]
    warm: Callable[[], Any] | None = None
    answer: Callable[[Any], Any] = lambda _: None
    parts: Callable[[Any], Parts] = lambda _: {}


@dataclass(frozen=True)
class Side:
    """One contender, in a process of its own.

    ``start`` is ``module:function``; called with ``arguments`` it does everything that is not timed
    (imports, loading) and returns a `Work`. ``keep_memory`` gives the process the allocator setting
    of roadworthy's own processes; ``environment`` is added to its variables.
    """

    name: str
    start: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    keep_memory: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One line of the table: ``ours`` against the fastest of ``against``.

    ``speedup`` is their time over ours, to be at least ``bound``; ``overhead`` ours over theirs, and
    ``seconds`` our time alone, to be at most ``bound``. Without a bound the line only informs.
    ``part`` names the part of every lap that is compared; without one it is all of it. ``of`` names
    another part to take of theirs, which may be laps of our own.
    """

    name: str
    ours: str
    against: tuple[str, ...] = ()
    kind: Kind = "speedup"
    bound: float | None = None
    part: str = ""
    of: str = ""


def named(spec: str) -> str:
    """Return what a line calls an attack: its name and the norm that its spec gives."""
    name, _, given = spec.rstrip(")").partition("(")
    norm = next((part for part in given.split(", ") if part.startswith("norm=")), "")
    return f"{name}{norm and ' '}{norm.removeprefix('norm=')}"


def _nothing(_: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True)
class Race:
    """Sides that take turns, ``rounds`` times, and the comparisons read off.

    ``check`` gets the last answer of every side and returns what it found equal, or raises
    AssertionError: a fast wrong answer counts for nothing. ``missing`` says why it cannot run here.
    ``together`` puts all sides into one process, where they differ by less than two processes that
    do the same: where their memory happens to lie decides about a tenth.
    """

    name: str
    sides: tuple[Side, ...]
    comparisons: tuple[Comparison, ...]
    rounds: int = 5
    check: Callable[[Mapping[str, Any]], str] = _nothing
    missing: str = ""
    together: bool = False
    note: str = ""


@dataclass(frozen=True)
class Lap:
    """One timed run: wall seconds, and seconds of processor time of the process and its children."""

    seconds: float
    cpu: float
    parts: Parts = field(default_factory=dict)

    def of(self, part: str) -> Lap:
        """Return the lap of one part; of all for an empty name."""
        return Lap(*self.parts[part]) if part else self
