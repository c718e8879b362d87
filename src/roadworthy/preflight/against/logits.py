"""How far apart the answers of two artefacts to the same tensors are."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from roadworthy.engine.forward import finite
from roadworthy.models.check.steady import BATCH_TOLERANCE
from roadworthy.types import Logits

KEPT = 256
"""Images whose logits are kept to look at the order of the outputs."""


@dataclass(frozen=True)
class LogitDifference:
    """Logits of ``n`` images by two artefacts: |difference|, ``spread`` of the first's, cosine, agreement.

    ``agreement`` is the share of images, in percent, that get the same prediction; ``broken`` counts
    those with values that are not finite in either, which enter nothing but the agreement, and
    ``broken_in`` those of each. The cosine is that of the rows of logits.
    """

    n: int
    largest: float
    mean: float
    spread: float
    cosine: float
    least_cosine: float
    agreement: float
    broken: int = 0
    broken_in: tuple[int, int] = (0, 0)

    @property
    def relative(self) -> float:
        """The largest difference relative to the spread of the first's logits."""
        return self.largest / max(self.spread, 1e-30) if self.largest else 0.0

    @property
    def same(self) -> bool:
        """Whether there is none beyond what another kernel of the same arithmetic would make."""
        return not self.broken and self.relative <= BATCH_TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values; what is not finite is None."""
        numbers = {**asdict(self), "relative": self.relative, "same": self.same}
        return {
            k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in numbers.items()
        }


@dataclass
class LogitSums:
    """What a `LogitDifference` is made of, block by block."""

    n: int = 0
    broken: int = 0
    broken_in: list[int] = field(default_factory=lambda: [0, 0])
    agreeing: int = 0
    values: int = 0
    largest: float = 0.0
    absolute: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    cosines: list[float] = field(default_factory=list)
    kept: list[tuple[Logits, Logits]] = field(default_factory=list)

    def add(self, first: Logits, second: Logits) -> None:
        """Add images, both (N, classes)."""
        each = finite(first), finite(second)
        good = each[0] & each[1]
        self.n += len(good)
        for side, fine in enumerate(each):
            self.broken_in[side] += int((~fine).sum())
        self.broken += int((~good).sum())
        a, b = (x[good].astype(np.float64) for x in (first, second))
        if not len(a):
            return
        self.agreeing += int((a.argmax(axis=1) == b.argmax(axis=1)).sum())
        off = np.abs(a - b)
        self.largest = max(self.largest, float(off.max()))
        self.absolute += float(off.sum())
        self.values += off.size
        self.total += float(a.sum())
        self.squares += float(np.square(a).sum())
        self.cosines += _cosines(a, b).tolist()
        if sum(len(x) for x, _ in self.kept) < KEPT:
            self.kept.append((first[good][:KEPT], second[good][:KEPT]))

    def difference(self) -> LogitDifference:
        """Return the whole; of no image at all, no difference."""
        count = max(1, self.values)
        variance = max(0.0, self.squares / count - (self.total / count) ** 2)
        return LogitDifference(
            n=self.n,
            largest=self.largest,
            mean=self.absolute / count,
            spread=math.sqrt(variance),
            cosine=float(np.mean(self.cosines)) if self.cosines else math.nan,
            least_cosine=min(self.cosines, default=math.nan),
            agreement=100 * self.agreeing / max(1, self.n),
            broken=self.broken,
            broken_in=(self.broken_in[0], self.broken_in[1]),
        )


def _cosines(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the cosine of each pair of rows; that of equal rows is exactly 1."""
    equal = (a == b).all(axis=1)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    return np.where(equal, 1.0, np.clip(cosine, -1.0, 1.0))
