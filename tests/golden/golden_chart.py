"""The test image of the corruption specification and its golden cells, for every golden test."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.stress import STRESSES
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.draws import Draws, ReferenceDraws
from roadworthy.types import Image

CELLS = Path(__file__).with_name("golden_cells.csv")


@dataclass(frozen=True)
class Cell:
    """Mean, standard deviation and one pixel of a corrupted chart, as the specification prints them."""

    size: int
    corruption: str
    severity: int
    mean: float
    std: float
    pixel: tuple[int, int, int]


def cells() -> list[Cell]:
    """Return all golden cells (specification §8.1 and §8.2)."""
    with CELLS.open(encoding="utf-8", newline="") as file:
        return [
            Cell(
                int(row["size"]),
                row["corruption"],
                int(row["severity"]),
                float(row["mean"]),
                float(row["std"]),
                (int(row["red"]), int(row["green"]), int(row["blue"])),
            )
            for row in csv.DictReader(file)
        ]


def chart(size: int) -> Image:
    """Return the integer test image of §8: ramps that fold over, under a chequerboard."""
    h, w, c = np.ogrid[:size, :size, :3]
    b = (255 * h // (size - 1) + 255 * w * (c + 1) // (size - 1)) % 511
    v = np.where(b <= 255, b, 510 - b)
    odd = (h // 16 + w // 16) % 2 == 1
    return np.asarray(np.where(odd, 3 * v // 4, v), np.uint8)


def reference_draws(severity: int) -> ReferenceDraws:
    """Return the draws that the golden cells were made with."""
    return ReferenceDraws(np.random.RandomState(1000 + severity))


def corrupted(
    corruption: str, image: Image, severity: int, *, draws: Draws | None = None, **options: Any
) -> Image:
    """Return ``image`` under a registered corruption, by default with reference draws."""
    definition: StressDefinition = STRESSES.get(corruption)
    assert definition.levels is not None
    arguments = definition.levels.strengths(severity, image.shape)
    if definition.takes_draws:
        arguments["rng"] = draws or reference_draws(severity)
    return np.asarray(definition.function(image, **arguments, **options))
