"""What a preflight found, as values and as lines for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from roadworthy.errors import EXIT_DONE, EXIT_REQUIREMENT_FAILED

Verdict = Literal["ok", "warning", "failed", "skipped"]
WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One thing that was examined: its name, the verdict, one sentence, and what to do about it."""

    name: str
    verdict: Verdict
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Report:
    """All findings on one model and one data set.

    ``notes`` is what the user should know about how the model was loaded.
    """

    model: str
    data: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed; warnings and skipped findings do not count."""
        return all(finding.verdict != "failed" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 where nothing failed, 4 where something did."""
        return EXIT_DONE if self.passed else EXIT_REQUIREMENT_FAILED

    def count(self, verdict: Verdict) -> int:
        """Return how many findings have this verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "model": self.model,
            "data": self.data,
            "passed": self.passed,
            "notes": list(self.notes),
            "findings": [asdict(finding) for finding in self.findings],
        }


def text(report: Report) -> str:
    """Return a report as lines of at most 100 columns; remedies stand under what they remedy."""
    head = f"{report.model} on {report.data}"
    return "\n".join([head, *lines(report.findings, report.notes), _totals(report)])


def lines(findings: Sequence[Finding], notes: Sequence[str] = ()) -> Iterator[str]:
    """Yield notes and findings as lines of at most 100 columns."""
    width = max((len(finding.name) for finding in findings), default=0)
    for note in notes:
        yield from wrapped("note     ", note)
    for finding in findings:
        lead = f"{finding.verdict:<8} {finding.name:<{width}}  "
        yield from wrapped(lead, finding.sentence)
        if finding.remedy:
            yield from wrapped(" " * len(lead) + "-> ", finding.remedy)


def wrapped(lead: str, sentence: str) -> list[str]:
    """Return a sentence as lines of at most 100 columns under ``lead``."""
    return textwrap.wrap(
        sentence,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [lead.rstrip()]


def _totals(report: Report) -> str:
    warnings = report.count("warning")
    parts = [
        f"{report.count('ok')} ok",
        f"{warnings} warning{'s' * (warnings != 1)}",
        f"{report.count('failed')} failed",
    ]
    if report.count("skipped"):
        parts.append(f"{report.count('skipped')} skipped")
    return ", ".join(parts)
