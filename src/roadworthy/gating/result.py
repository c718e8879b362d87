"""What came of a gate: one check for every row that a requirement is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from roadworthy.errors import EXIT_DONE, EXIT_REQUIREMENT_FAILED, EXIT_UNDECIDED
from roadworthy.gating.decide import Decision, Status
from roadworthy.gating.requirement import Requirement
from roadworthy.metrics.base import Estimate

CODES: Mapping[Status, int] = {
    "pass": EXIT_DONE,
    "undecided": EXIT_UNDECIDED,
    "fail": EXIT_REQUIREMENT_FAILED,
}
WORST: Sequence[Status] = ("fail", "undecided", "pass")


@dataclass(frozen=True)
class Check:
    """One requirement on one model and data set under one stress, and what was decided.

    ``found`` is the value, or the difference to the baseline, in ``unit``; ``available`` how many
    images the data set has, ``failed`` how many of them could not be judged.
    """

    requirement: Requirement
    found: Estimate
    decision: Decision
    unit: str = "none"
    model: str = ""
    data: str = ""
    stress: str = ""
    variant: str = ""
    available: int | None = None
    failed: int = 0

    @property
    def status(self) -> Status:
        """Pass, fail or undecided."""
        return self.decision.status

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain values."""
        return {
            "requirement": self.requirement.text,
            "status": self.status,
            "reason": self.decision.reason,
            "needed": self.decision.needed,
            "metric": self.requirement.metric,
            "model": self.model,
            "data": self.data,
            "stress": self.stress,
            "variant": self.variant,
            "value": self.found.value,
            "low": self.found.low,
            "high": self.found.high,
            "unit": self.unit,
            "bound": self.requirement.bound,
            "against_baseline": self.requirement.against_baseline,
            "n": self.found.n,
            "available": self.available,
            "failed": self.failed,
        }


@dataclass(frozen=True)
class Gate:
    """All checks of a run; ``notes`` say what is wrong with it, or with the baseline."""

    folder: str
    checks: Sequence[Check]
    notes: Sequence[str] = field(default=())

    @property
    def status(self) -> Status:
        """The worst of all checks: one that failed, else one that is undecided, else pass."""
        found = {check.status for check in self.checks}
        return next((status for status in WORST if status in found), "undecided")

    @property
    def exit_code(self) -> int:
        """0 for pass, 4 for fail, 5 for undecided."""
        return CODES[self.status]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "schema": 1,
            "run": self.folder,
            "status": self.status,
            "checks": [check.as_dict() for check in self.checks],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from roadworthy.gating.text import markdown

        return markdown(self)
