"""The names of the norms, where no torch is needed."""

from __future__ import annotations

from typing import Literal

Norm = Literal["Linf", "L2", "L1", "L0"]
NORMS: tuple[Norm, ...] = ("Linf", "L2", "L1", "L0")
