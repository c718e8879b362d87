"""Two artefacts of one model as values and as an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roadworthy.errors import EXIT_DONE
from roadworthy.metrics.interval import wilson
from roadworthy.preflight.against.logits import LogitDifference
from roadworthy.preflight.compare import Comparison
from roadworthy.preflight.gate import Gate
from roadworthy.preflight.prices import Prices
from roadworthy.preflight.suggest import Suggestion

NETWORK = "network"
"""The stage after all those of the pipeline."""


@dataclass(frozen=True)
class Artefacts:
    """How the second artefact of a model differs from the first.

    ``logits`` is about the same tensors, ``comparison`` about the tensors that each makes of the same
    files (None where one of the pipelines is unknown), ``prices`` about predictions; its last row is
    the second as a whole. ``failures`` are images that one of them could not read.
    """

    first: str
    second: str
    data: str
    notes: tuple[str, ...]
    logits: LogitDifference
    comparison: Comparison | None
    open_parts: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    prices: Prices
    failures: tuple[str, ...]
    manifest: dict[str, str]
    gate: Gate | None = None

    @property
    def diverges(self) -> str | None:
        """The first stage that diverges: one of the pipeline's, ``network``, or None."""
        if self.comparison is not None and self.comparison.first is not None:
            return self.comparison.first
        return None if self.logits.same else NETWORK

    @property
    def flips(self) -> tuple[int, float, float, float]:
        """How many predictions change as a whole: count, and rate in percent with its 95 % interval."""
        price = self.prices.rows[-1].price
        count = round(price.flips * price.n / 100)
        if self.prices.rows[-1].untouched:
            return 0, 0.0, 0.0, 0.0
        low, high = wilson(count, price.n)
        return count, price.flips, 100 * float(low), 100 * float(high)

    @property
    def passed(self) -> bool:
        """Whether no requirement failed or is open."""
        return self.exit_code == EXIT_DONE

    @property
    def exit_code(self) -> int:
        """That of the gate; 0 where nothing is required."""
        return self.gate.exit_code if self.gate else EXIT_DONE

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        count, rate, low, high = self.flips
        return {
            "passed": self.passed,
            "model": self.first,
            "against": self.second,
            "data": self.data,
            "notes": list(self.notes),
            "logits": self.logits.as_dict(),
            "comparison": None if self.comparison is None else self.comparison.as_dict(),
            "open": list(self.open_parts),
            "diverges": self.diverges,
            "flips": {"count": count, "n": self.prices.n, "rate": rate, "low": low, "high": high},
            "prices": self.prices.as_dict(),
            "failures": list(self.failures),
            "suggestions": [s.as_dict() for s in self.suggestions],
            "gate": None if self.gate is None else self.gate.as_dict(),
            "manifest": self.manifest,
        }
