"""A preflight of pipelines as values, as lines for people, and as an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from roadworthy.errors import EXIT_DONE, EXIT_REQUIREMENT_FAILED
from roadworthy.models.check.report import Finding, Report, lines
from roadworthy.models.check.report import text as text_of_model
from roadworthy.preflight.findings import findings_of
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.manifest import in_words


@dataclass(frozen=True)
class Preflight:
    """What a preflight of a deployment's pipeline found, and of training's where there is one.

    ``model`` has the findings on the model itself.
    """

    deployment: Identity
    training: Identity | None
    model: Report | None
    manifest: dict[str, str]

    @property
    def exit_code(self) -> int:
        """0 where nothing failed, 4 where something did."""
        found = [*self._findings(), *(self.model.findings if self.model else ())]
        failed = any(finding.verdict == "failed" for finding in found)
        return EXIT_REQUIREMENT_FAILED if failed else EXIT_DONE

    def _findings(self) -> Iterator[Finding]:
        for identity in (self.training, self.deployment):
            if identity is not None:
                yield from findings_of(identity)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        training = self.training
        return {
            "passed": self.exit_code == EXIT_DONE,
            "model": self.model.as_dict() if self.model else None,
            "training": training.as_dict() if training else None,
            "deployment": self.deployment.as_dict(),
            "findings": [asdict(finding) for finding in self._findings()],
            "manifest": self.manifest,
        }


def printed(report: Report | Preflight) -> str:
    """Return either kind of report as lines."""
    return text_of_model(report) if isinstance(report, Report) else text(report)


def text(report: Preflight) -> str:
    """Return a preflight as lines of at most 100 columns."""
    parts = ["", text_of_model(report.model)] if report.model else []
    for role, identity in (("training", report.training), ("deployment", report.deployment)):
        if identity is not None:
            parts += ["", *_identity(role, identity)]
    parts += ["", f"read with {in_words(report.manifest)}"]
    return "\n".join(parts[1:])


def _identity(role: str, identity: Identity) -> Iterator[str]:
    yield f"{role}: {identity.spec}, which takes {identity.takes}"
    yield from lines(list(findings_of(identity)), identity.notes)
    yield f"in our terms: {identity.pipeline}"
