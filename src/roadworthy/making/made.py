"""What came of a make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Made:
    """What `make` did: files written, files that were there and whole, and samples that failed."""

    folder: Path
    written: int
    kept: int
    failures: Mapping[str, str] = field(default_factory=dict)
