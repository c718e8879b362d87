"""What a deployment's pipeline costs a model: each factor by itself, all of them, and the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.preflight.paired import Price

TRAINING, WHOLE, DEPLOYED = "training", "all factors", "the deployment itself"
REMAINDER = "unexplained"
"""What the deployment itself does beyond all factors that were named."""


@dataclass(frozen=True)
class Row:
    """One line of the bill: what was changed, how far the input moved in levels, and its price.

    ``untouched`` is whether every image reaches the network as before, and none is refused. ``kind``
    is ``factor``, ``whole``, ``itself`` or, from all factors to the deployment, ``remainder``.
    """

    name: str
    change: str
    kind: str
    levels: float | None
    price: Price
    failed: int = 0
    first_failure: str = ""
    untouched: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "name": self.name,
            "change": self.change,
            "kind": self.kind,
            "levels": None if self.levels is None else round(self.levels, 4),
            "untouched": self.untouched,
            "failed": self.failed,
            "first_failure": self.first_failure,
            **self.price.as_dict(),
        }


@dataclass(frozen=True)
class Prices:
    """The bill on ``n`` images; ``notes`` say what could not be priced, and why.

    ``final`` names the row of it all, which is missing where no image was read so; ``refused`` is how
    many images training reads and that way does not.
    """

    rows: tuple[Row, ...]
    n: int
    labelled: bool
    notes: tuple[str, ...]
    final: str = WHOLE
    refused: int = 0

    def noting(self, sentences: Sequence[str]) -> Prices:
        """Return the bill with more notes, first."""
        return replace(self, notes=(*sentences, *self.notes))

    def row(self, name: str) -> Row | None:
        """Return the row of this name, or None."""
        return next((row for row in self.rows if row.name == name), None)

    def touches(self, name: str) -> bool:
        """Return whether this factor changes an image at all; one that has no price may."""
        row = self.row(name)
        return row is None or not row.untouched

    @property
    def whole(self) -> Row | None:
        """The price of it all: of the deployment itself where it was called, else of all factors."""
        return self.row(self.final)

    @property
    def worst(self) -> Row | None:
        """The factor that costs most by itself, None where no factor changes a prediction."""
        costly = (r for r in self.rows if r.kind == "factor" and r.price.flips)
        return max(costly, key=_cost, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        worst = self.worst
        return {
            "n": self.n,
            "labelled": self.labelled,
            "rows": [row.as_dict() for row in self.rows],
            "worst": worst.name if worst else None,
            "refused": self.refused,
            "notes": list(self.notes),
        }


def _cost(row: Row) -> tuple[float, float]:
    return (row.price.drop or 0.0, row.price.flips)
