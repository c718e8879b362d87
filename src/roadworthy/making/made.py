"""What came of a make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Control = Literal["random_subset"]
"""What may be written beside subsets that a model makes."""


@dataclass(frozen=True)
class Made:
    """What `make` did: files written, files that were there and whole, and samples that failed.

    ``left_out`` are samples that are not in every set, as there is nothing to show: the model is not
    sure enough of them, say.
    """

    folder: Path
    written: int
    kept: int
    failures: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
