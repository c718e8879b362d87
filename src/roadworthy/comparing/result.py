"""What a comparison found: values side by side, tests, and the images that flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from roadworthy.metrics.base import Estimate

MOST_FLIPS = 1000
"""Flipped images in JSON; all of them are in `Comparison.flips`."""


@dataclass(frozen=True)
class Place:
    """Where a row of a comparison stands: models and data of both runs, stress and variant."""

    models: tuple[str, str]
    data: tuple[str, str]
    source: str | None
    stress: str
    variant: str

    def as_dict(self) -> dict[str, Any]:
        """Return the place as plain values."""
        return {
            "model_a": self.models[0],
            "model_b": self.models[1],
            "data_a": self.data[0],
            "data_b": self.data[1],
            "source": self.source,
            "stress": self.stress,
            "variant": self.variant,
        }


@dataclass(frozen=True)
class Difference:
    """One metric in both runs, over the same images, and ``change``: second minus first."""

    place: Place
    metric: str
    unit: str
    direction: str
    version: int
    a: Estimate
    b: Estimate
    change: Estimate

    @property
    def better(self) -> str:
        """Which run is better beyond chance: ``a``, ``b``, or nothing."""
        low, high = self.change.low, self.change.high
        if low is None or high is None or low <= 0 <= high or self.direction == "neutral":
            return ""
        return "b" if (low > 0) == (self.direction == "higher") else "a"

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain values."""
        ends = {"a": self.a, "b": self.b, "difference": self.change}
        return {
            **self.place.as_dict(),
            "metric": self.metric,
            "unit": self.unit,
            "direction": self.direction,
            **{name: [one.value, one.low, one.high] for name, one in ends.items()},
            "better": self.better,
            "n": self.change.n,
            "version": self.version,
        }


@dataclass(frozen=True)
class Verdicts:
    """How many images only the first run has right (``lost``), and only the second (``gained``).

    Of several variants together an image counts once: on the side that has more of them right. ``p``
    is exact and two-sided (McNemar; of several variants the sign test); ``p_holm`` allows for all
    tests of the comparison, and is None for single variants of several.
    """

    place: Place
    n: int
    lost: int
    gained: int
    p: float
    p_holm: float | None
    detectable: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain values; ``detectable`` in points."""
        names = ("n", "lost", "gained", "p", "p_holm", "detectable")
        return {**self.place.as_dict(), **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two runs on the same images: ``differences`` of metrics, ``tests`` of verdicts, ``flips``.

    ``folders`` are those of the runs, ``notes`` say what could not be compared. ``flips`` has one
    row for each image that only one of the two has right under a variant of a stress.
    """

    folders: tuple[str, str]
    differences: Sequence[Difference]
    tests: Sequence[Verdicts]
    flips: pl.DataFrame
    notes: Sequence[str]

    def as_dict(self) -> Mapping[str, Any]:
        """Return everything as plain values, at most `MOST_FLIPS` flips."""
        return {
            "schema": 1,
            "a": self.folders[0],
            "b": self.folders[1],
            "rows": [one.as_dict() for one in self.differences],
            "tests": [one.as_dict() for one in self.tests],
            "flipped": len(self.flips),
            "flips": self.flips.head(MOST_FLIPS).to_dicts(),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        counts = f"{len(self.differences)} differences, {len(self.tests)} tests"
        return f"Comparison{self.folders}: {counts}, {len(self.flips)} flips"

    def __str__(self) -> str:
        from roadworthy.comparing.text import lines

        return lines(self)

    def _repr_html_(self) -> str:
        from roadworthy.comparing.page import section

        return section(self)
