"""Functions whose subsets are known, and removal written down a second time, one picture at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._subsets.schedule import Schedule

Score = Callable[[NDArray[np.float64]], float]

EXACT = Schedule("constant", 1, 0.05, 0.0, 1 << 30)
"""Every unit is tried, one at a time."""


def by_slopes(k: int) -> Schedule:
    return Schedule("constant", k, 0.05, 0.0, 0)


@dataclass
class Plain:
    """A confidence that is any function of one masked picture (C, h, w), asked one by one."""

    score: Score
    pictures: NDArray[np.float64]  # (N, C, h, w); what is removed is 0
    asked: list[int] = field(default_factory=list)

    def values(self, rows: Tensor, kept: Tensor) -> Tensor:
        shown = zip(rows.tolist(), kept.numpy(), strict=True)
        self.asked.extend(rows.tolist())
        return torch.tensor(
            [self.score(self.pictures[r] * k) for r, k in shown], dtype=torch.float64
        )

    def gains(self, rows: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError("has no slopes")


def everything(confidence: Plain) -> Tensor:
    """Return masks of all units."""
    count, _, height, width = confidence.pictures.shape
    return torch.ones(count, height, width, dtype=torch.bool)


def flat(*values: float) -> NDArray[np.float64]:
    """Return one picture of one row."""
    return np.array(values, float).reshape(1, 1, 1, -1)
