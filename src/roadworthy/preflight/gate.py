"""Is the drop small enough? Yes, no, or not to be told from so few images."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from roadworthy.errors import EXIT_DONE, EXIT_REQUIREMENT_FAILED, EXIT_UNDECIDED
from roadworthy.metrics.interval import NORMAL
from roadworthy.preflight.prices import Row

Decision = Literal["passed", "failed", "undecided"]
CODES = {"passed": EXIT_DONE, "failed": EXIT_REQUIREMENT_FAILED, "undecided": EXIT_UNDECIDED}


@dataclass(frozen=True)
class Gate:
    """A limit in points and the decision on it; ``needed`` is how many images would decide."""

    limit: float
    decision: Decision
    sentence: str
    needed: int | None = None

    @property
    def exit_code(self) -> int:
        """0, 4 or 5."""
        return CODES[self.decision]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def gate(row: Row | None, limit: float, *, refused: int = 0) -> Gate:
    """Decide whether the drop of ``row`` is at most ``limit`` points, by its 95 % interval.

    Without labels only a share of changed predictions is known, which no drop can exceed: it can
    pass, but never fail. Of ``refused`` images, which training reads and the deployment does not, none
    or all may be lost; the interval is as wide as that makes it.
    """
    left_out = f"; {refused} images that training reads are refused" if refused else ""
    if row is None:
        return Gate(limit, "undecided", f"nothing could be priced{left_out}")
    price = row.price
    if price.drop is None or price.low is None or price.high is None:
        return _unlabelled(row, limit, refused, left_out)
    total = price.n + refused
    low, high = price.low * price.n / total, (price.high * price.n + 100 * refused) / total
    said = f"{row.name}: drop {price.drop:.2f} points, 95 % [{low:.2f}, {high:.2f}]{left_out}"
    if high <= limit:
        return Gate(limit, "passed", f"{said}, at most the {limit:g} allowed")
    if low > limit:
        return Gate(limit, "failed", f"{said}, above the {limit:g} allowed")
    needed = None if refused else images_needed(row, limit)
    more = f"; about {needed:,} images would decide".replace(",", " ") if needed else ""
    return Gate(limit, "undecided", f"{said}, on both sides of the {limit:g} allowed{more}", needed)


def _unlabelled(row: Row, limit: float, refused: int, left_out: str) -> Gate:
    price = row.price
    high = (price.flips_high * price.n + 100 * refused) / (price.n + refused)
    said = f"{row.name}: {price.flips:.2f} % of predictions change (at most {high:.2f} %){left_out}"
    if high <= limit:
        return Gate(limit, "passed", f"{said}, so the drop is at most the {limit:g} allowed")
    sentence = (
        f"{said}; without labels a drop above {limit:g} points can neither be shown nor excluded"
    )
    return Gate(limit, "undecided", sentence)


def images_needed(row: Row, limit: float) -> int | None:
    """Return about how many images would bring the interval of the drop off ``limit``.

    If drop and changed verdicts stay as they are; None where the drop is just the limit. With shares
    b + c of changed verdicts and a difference D, the standard error is sqrt((b + c - D²) / n).
    """
    price = row.price
    if price.drop is None or price.lost is None or price.gained is None:
        return None
    n, drop = price.n, price.drop / 100
    apart = abs(drop - limit / 100)
    if apart < 1e-9:
        return None
    # Two pseudo-samples, as in the interval, keep no change from meaning no variance.
    changed = (price.lost + price.gained + 1) / (n + 2)
    needed = NORMAL**2 * max(changed - drop**2, 1e-9) / apart**2
    return max(n + 1, math.ceil(needed))
