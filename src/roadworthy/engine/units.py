"""How a plan is cut: samples that are read together, who is at which, and what to do next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from roadworthy.engine.plan import Cell, Plan
from roadworthy.types import Sample, Tap

SMALLEST_UNIT = 64
"""Samples under one lease; units of any size are whole numbers of them."""

WORTH_SHARING = 4
"""Stresses that have to be left of samples that somebody else is at; one attack is enough."""

Todo = dict[str, set[str]]
"""The ids of samples that are left, by request."""

Pending = dict[str, list[Sample]]
"""The samples that are left, by request."""


@dataclass(frozen=True, eq=False)
class Unit:
    """Samples of one data set that are read together, and the cells that need them."""

    cells: tuple[Cell, ...]
    samples: tuple[Sample, ...]
    start: int = 0

    @cached_property
    def pieces(self) -> dict[int, frozenset[str]]:
        """The samples by number of the lease that they are under, in the order of the data."""
        found: dict[int, frozenset[str]] = {}
        for start in range(0, len(self.samples), SMALLEST_UNIT):
            ids = frozenset(s.id for s in self.samples[start : start + SMALLEST_UNIT])
            found[(self.start + start) // SMALLEST_UNIT] = ids
        return found

    def leases(self, todo: Todo, cells: Sequence[Cell] | None = None) -> dict[str, Todo]:
        """Return what is left of ``cells``, all by default, by the name of its lease.

        A lease is on so many neighbours in the order of the data and on one request, or on all that
        judge what one model makes: the same for everybody, however many samples his units have and
        whatever else he was asked for.
        """
        found: dict[str, Todo] = {}
        for number, neighbours in self.pieces.items():
            for cell in self.cells if cells is None else cells:
                if left := todo[cell.request] & neighbours:
                    found.setdefault(f"{leased(cell)}-{number}", {})[cell.request] = left
        return found

    def free(self, todo: Todo, held: Mapping[int, Collection[str]]) -> tuple[set[str], set[str]]:
        """Return the samples with work left that nobody is at, and those worth sharing with others.

        ``held`` are the leases of others, by number. To share samples is to read them twice, and to
        judge them twice without any stress: worth it for some of many stresses, not of few.
        """
        untouched: set[str] = set()
        shared: set[str] = set()
        dear = {leased(cell): cell.stress.definition.tap is Tap.INPUT for cell in self.cells}
        keys = dear.keys()
        for number, neighbours in self.pieces.items():
            there = held.get(number, ())
            left = {leased(c) for c in self.cells if not neighbours.isdisjoint(todo[c.request])}
            if left and keys.isdisjoint(there):
                untouched |= neighbours
            elif sum(WORTH_SHARING if dear[key] else 1 for key in left - {*there}) >= WORTH_SHARING:
                shared |= neighbours
        return untouched, shared

    def names(self, ids: Collection[str]) -> set[str]:
        """Return the leases on the samples ``ids``, of work that is done as well."""
        numbers = [n for n, neighbours in self.pieces.items() if not neighbours.isdisjoint(ids)]
        return {f"{leased(cell)}-{number}" for cell in self.cells for number in numbers}

    def pending(self, todo: Todo, cells: Sequence[Cell]) -> Pending:
        """Return the samples of the unit that are left of each of ``cells``, in order."""
        return {c.request: [s for s in self.samples if s.id in todo[c.request]] for c in cells}


def units(plan: Plan, size: int) -> list[Unit]:
    """Cut a plan into units of at most ``size`` samples, which is a multiple of the smallest."""
    found = []
    for cells in _by_data(plan.cells):
        samples = cells[0].source.samples
        for start in range(0, len(samples), size):
            found.append(Unit(tuple(cells), samples[start : start + size], start))
    return found


def next_unit(
    queue: Iterable[Unit], todo: Todo, held: Iterable[str]
) -> tuple[Unit | None, set[str]]:
    """Return a unit to work on and the samples of it that are free: the first that nobody is at.

    Else the first that somebody has a part of, else one to share; None where there is nothing to do
    but to wait.
    """
    at: dict[int, set[str]] = {}
    for name in held:
        key, _, number = name.rpartition("-")
        if number.isdecimal():
            at.setdefault(int(number), set()).add(key)
    partly: tuple[Unit | None, set[str]] = None, set()
    together: tuple[Unit | None, set[str]] = None, set()
    for unit in queue:
        untouched, shared = unit.free(todo, at)
        if len(untouched) == len(unit.samples):
            return unit, untouched
        if untouched and partly[0] is None:
            partly = unit, untouched
        if shared and together[0] is None:
            together = unit, shared
    return together if partly[0] is None else partly


def leased(cell: Cell) -> str:
    """Return what a lease is on beside samples: a request, or what one model makes for several."""
    return cell.crafting or cell.request


def _by_data(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Yield the cells of each data set together, in the order of the plan."""
    specs = dict.fromkeys(cell.source.dataset.spec for cell in cells)
    for spec in specs:
        yield [cell for cell in cells if cell.source.dataset.spec == spec]
