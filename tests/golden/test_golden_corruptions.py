"""Golden cells of the corruption specification, §8: mean / std / one pixel, all severities."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from golden_chart import Cell, cells, chart, corrupted

from roadworthy.stress import STRESSES

WITH_ORIGINAL_TEXTURES = {"frost"}  # see tests/golden/test_frost_peer.py


@pytest.mark.parametrize(("size", "crc"), [(224, "9e7bf3c9"), (32, "0ce87c8c")])
def test_the_chart_is_the_one_of_the_specification(size: int, crc: str) -> None:
    assert f"{zlib.crc32(chart(size).tobytes()):08x}" == crc


@pytest.mark.parametrize(
    "cell",
    [cell for cell in cells() if cell.corruption not in WITH_ORIGINAL_TEXTURES],
    ids=lambda cell: f"{cell.corruption}-{cell.size}-{cell.severity}",
)
def test_a_corruption_meets_its_golden_cell(cell: Cell) -> None:
    result = corrupted(cell.corruption, chart(cell.size), cell.severity)
    assert abs(result.mean() - cell.mean) <= 0.05
    assert abs(result.std() - cell.std) <= 0.05
    pixel = result[cell.size // 2, cell.size // 3].astype(int)
    assert np.abs(pixel - cell.pixel).max() <= 1


def test_there_are_cells_of_every_published_corruption() -> None:
    assert len(cells()) == 2 * 19 * 5
    assert {cell.corruption for cell in cells()} <= set(STRESSES)
