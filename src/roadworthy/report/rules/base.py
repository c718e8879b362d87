"""What a rule of the verdict is: when it speaks, what it says with numbers, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from roadworthy.registry import Definition, Registry
from roadworthy.report.cells import Cell
from roadworthy.report.evidence import Evidence
from roadworthy.report.parts import part_of
from roadworthy.report.reading import Reading
from roadworthy.report.sentence import Level, Sentence

LEAST = 2.0
"""Points of accuracy that are worth a sentence; the interval must lie above them."""
SERIOUS, SEVERE = 10.0, 30.0


@dataclass(frozen=True)
class Judged:
    """A model, called ``name``, as the rules see it: its cells on its own data, and on others."""

    evidence: Evidence
    model: str
    name: str

    @cached_property
    def every(self) -> list[Cell]:
        """All cells of the model by itself."""
        return [cell for cell in self.evidence.cells if cell.model == self.model]

    @cached_property
    def data(self) -> str:
        """The data that everything is compared on: the first that is no part of a stored benchmark."""
        known = [cell.data for cell in self.every if part_of(cell.data) is None]
        return next(iter(known or [cell.data for cell in self.every]), "")

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells on ``data``."""
        return [cell for cell in self.every if cell.data == self.data]

    @cached_property
    def clean(self) -> Cell | None:
        """The cell of the images as they are; None where they were not judged."""
        found = [c for c in self.cells if c.axis == "clean" and c.value("top1") is not None]
        return next(iter(sorted(found, key=lambda cell: "(" in cell.stress)), None)


RuleFunction = Callable[[Judged], Sentence | None]


@dataclass(frozen=True, kw_only=True)
class RuleDefinition(Definition):
    """A rule of the verdict: ``function(judged)`` returns its sentence, None where it has none."""


def rule(function: RuleFunction) -> RuleDefinition:
    """Register a rule; the name of the function must be that of its file."""
    name = getattr(function, "__name__", "")
    return RuleDefinition(name=name, function=function, parameters=())


RULES: Registry[RuleDefinition] = Registry(
    "rule of the verdict", RuleDefinition, ("roadworthy.report.rules",), "roadworthy.rules"
)


def sentences_of(judged: Judged) -> list[Sentence]:
    """Return what all rules say of a model: what is said of the whole first, then the worst."""
    found = [rule.function(judged) for rule in map(RULES.get, RULES)]
    said: list[Sentence] = [sentence for sentence in found if sentence is not None]
    order = ("note", "severe", "serious", "mild", "fine")
    return sorted(said, key=lambda one: (order.index(one.level), -one.cost, one.text))


def level_of(sure: float) -> Level:
    """Return how bad it is to lose ``sure`` points, the lower end of an interval."""
    return "severe" if sure >= SEVERE else "serious" if sure >= SERIOUS else "mild"


def percent(reading: Reading) -> str:
    """Return a percentage with its interval, ``90.0 % [69.9, 97.2]``."""
    return f"{reading.text} % {reading.interval}".strip()


def as_points(reading: Reading) -> str:
    """Return points with their interval, ``70.0 points [40.3, 87.0]``."""
    return f"{reading.text} points {reading.interval}".strip()
