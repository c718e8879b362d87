"""A preflight of pipelines as values and as an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from roadworthy.errors import EXIT_DONE, EXIT_REQUIREMENT_FAILED
from roadworthy.models.check.report import Finding, Report
from roadworthy.preflight.compare import Comparison
from roadworthy.preflight.findings import findings_of
from roadworthy.preflight.gate import Gate
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.prices import Prices
from roadworthy.preflight.suggest import Suggestion


@dataclass(frozen=True)
class Preflight:
    """What a preflight of a deployment's pipeline found; None is what was not asked for.

    ``model`` has the findings on the model itself, ``open_parts`` sentences on what is unknown and
    could therefore not be compared.
    """

    deployment: Identity
    manifest: dict[str, str]
    training: Identity | None = None
    comparison: Comparison | None = None
    suggestions: tuple[Suggestion, ...] = ()
    open_parts: tuple[str, ...] = ()
    model: Report | None = None
    prices: Prices | None = None
    gate: Gate | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings on the pipelines, training's first."""
        sides = [side for side in (self.training, self.deployment) if side is not None]
        return tuple(finding for side in sides for finding in findings_of(side))

    @property
    def passed(self) -> bool:
        """Whether nothing failed and no requirement is open."""
        return self.exit_code == EXIT_DONE

    @property
    def exit_code(self) -> int:
        """4 where something failed or the drop is too large, 5 where that is undecided, else 0."""
        found = [*self.findings, *(self.model.findings if self.model else ())]
        if any(finding.verdict == "failed" for finding in found):
            return EXIT_REQUIREMENT_FAILED
        return self.gate.exit_code if self.gate else EXIT_DONE

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "passed": self.passed,
            "model": _plain(self.model),
            "training": _plain(self.training),
            "deployment": self.deployment.as_dict(),
            "findings": [asdict(finding) for finding in self.findings],
            "open": list(self.open_parts),
            "comparison": _plain(self.comparison),
            "prices": _plain(self.prices),
            "suggestions": list(map(_plain, self.suggestions)),
            "gate": _plain(self.gate),
            "manifest": self.manifest,
        }


def _plain(part: Any) -> dict[str, Any] | None:
    return None if part is None else part.as_dict()


def sides(report: Preflight) -> Iterator[tuple[str, Identity]]:
    """Yield the pipelines of a report with what each is called."""
    if report.training is not None:
        yield "training", report.training
    yield "deployment", report.deployment
