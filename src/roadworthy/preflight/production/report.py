"""Production beside a reference, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roadworthy.errors import EXIT_DONE
from roadworthy.preflight.production.drift import Drift
from roadworthy.preflight.production.flips import Flips
from roadworthy.preflight.production.looks import Looks


@dataclass(frozen=True)
class Production:
    """What can be said of unlabelled images: what they look like, drift of confidence, and flips.

    ``drift`` is None without a reference. ``failures`` are the images that could not be read, of
    ``asked``; ``shared`` counts files that are in the reference as well.
    """

    model: str
    data: str
    reference: str | None
    asked: int
    looks: Looks
    drift: Drift | None
    flips: Flips | None
    failures: tuple[str, ...]
    reference_failures: tuple[str, ...]
    shared: int
    notes: tuple[str, ...]
    manifest: dict[str, str]

    @property
    def passed(self) -> bool:
        """Nothing is required of images without labels."""
        return True

    @property
    def exit_code(self) -> int:
        """Always 0: what was found is for people."""
        return EXIT_DONE

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "passed": self.passed,
            "model": self.model,
            "data": self.data,
            "reference": self.reference,
            "asked": self.asked,
            "looks_like": self.looks.as_dict(),
            "drift": None if self.drift is None else self.drift.as_dict(),
            "flips": None if self.flips is None else self.flips.as_dict(),
            "failures": list(self.failures),
            "reference_failures": list(self.reference_failures),
            "shared": self.shared,
            "notes": list(self.notes),
            "manifest": self.manifest,
        }
