"""What an operating profile is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

DISTANCE = 0.1
"""How much probability may lie elsewhere than a profile says, unless it says how much."""


@dataclass(frozen=True)
class Condition:
    """One operating condition: a stress of one variant, and how often it is met, in [0, 1].

    In a plausible mixture its probability is between ``low`` and ``high``.
    """

    name: str
    stress: str
    probability: float
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Costs:
    """What answers cost: ``right`` and ``wrong`` ones, and those of ``pairs`` (true, predicted, cost).

    Classes are names, or indices as text. All costs are finite and not negative.
    """

    right: float = 0.0
    wrong: float = 1.0
    pairs: Sequence[tuple[str, str, float]] = ()

    @property
    def highest(self) -> float:
        """The largest cost of any answer."""
        return max(self.right, self.wrong, *(cost for _, _, cost in self.pairs), 0.0)


@dataclass(frozen=True)
class Profile:
    """Conditions whose probabilities sum to one, and the mixtures of them that are plausible.

    Those are within ``distance`` (total variation: how much probability lies elsewhere) of the
    given one, and within the range of each condition.
    """

    name: str
    conditions: Sequence[Condition]
    distance: float = DISTANCE
    costs: Costs | None = None

    @property
    def stresses(self) -> list[str]:
        """The stresses of all conditions, each once."""
        return list(dict.fromkeys(one.stress for one in self.conditions))

    def as_dict(self) -> dict[str, Any]:
        """Return the profile as plain values, for the records of a run."""
        return asdict(self)


@dataclass(frozen=True)
class NamedCosts:
    """Costs whose classes are outputs of one model: ``pairs`` has label, pred and cost."""

    right: float
    wrong: float
    highest: float
    pairs: Mapping[tuple[int, int], float] = field(default_factory=dict)


def profile_of(value: Mapping[str, Any]) -> Profile:
    """Return the profile in what `Profile.as_dict` wrote."""
    costs = value.get("costs")
    return Profile(
        name=str(value["name"]),
        conditions=tuple(Condition(**one) for one in value["conditions"]),
        distance=float(value["distance"]),
        costs=costs and Costs(costs["right"], costs["wrong"], tuple(map(tuple, costs["pairs"]))),
    )
