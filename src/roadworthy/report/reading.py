"""A number as it is shown: a metric with its 95 % interval in the precision of its unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SMALL, LARGE = 0.1, 100.0
"""Numbers without a unit have three decimals between these."""
COUNTED = 10.0
"""From here on whole numbers without a unit are counts: of queries, of elements."""


@dataclass(frozen=True)
class Reading:
    """A metric as measured: value with its 95 % interval, in ``unit``; None where unknown."""

    value: float | None
    low: float | None
    high: float | None
    unit: str = "percent"
    n: int = 0

    @property
    def text(self) -> str:
        """The value alone: ``71.3``; one decimal for percent and points, three for the rest.

        ``> 0.3`` for what is infinite, of which only the lower end of the interval is known.
        """
        if self.value is None and self.low is not None:
            return f"> {number(self.low, self.unit)}"
        return number(self.value, self.unit)

    @property
    def interval(self) -> str:
        """The interval alone: ``[65.0, 77.0]``; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"[{number(self.low, self.unit)}, {number(self.high, self.unit)}]"

    @property
    def full(self) -> str:
        """Value and interval: ``71.3 [65.0, 77.0]``."""
        return f"{self.text} {self.interval}".strip()


def number(value: float | None, unit: str) -> str:
    """Return ``value`` as text in the precision of its unit; ``–`` for None; never ``-0.0``."""
    if value is None:
        return "–"
    if unit == "none" and 0 < abs(value) < SMALL:
        return f"{value:.3g}"
    if unit == "none" and abs(value) >= COUNTED and value == round(value):
        return f"{value:.0f}"
    large = unit == "none" and abs(value) >= LARGE
    digits = 1 if unit in ("percent", "points") or large else 3
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def real(value: Any) -> float | None:
    """Return a finite float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: Any) -> int:
    """Return a count, 0 for anything that is none."""
    known = real(value)
    return int(known) if known is not None and known > 0 else 0


def reading_of(entry: Mapping[str, Any], *, value: str = "value", unit: str = "percent") -> Reading:
    """Return the reading in a row of a summary; what is not a finite number is None."""
    low, high = real(entry.get("low")), real(entry.get("high"))
    return Reading(real(entry.get(value)), low, high, unit, count(entry.get("n")))
