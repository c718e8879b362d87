"""Golden cells of frost with the original textures, which the peer's wheel holds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from golden_chart import Cell, cells, chart, corrupted

_PEER = importlib.util.find_spec("imagecorruptions")
_FOLDER = Path(_PEER.origin).parent / "frost" if _PEER and _PEER.origin else None

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(_FOLDER is None, reason="needs the textures of imagecorruptions"),
]


@pytest.mark.parametrize(
    "cell",
    [cell for cell in cells() if cell.corruption == "frost"],
    ids=lambda cell: f"{cell.size}-{cell.severity}",
)
def test_frost_with_the_original_textures_meets_its_golden_cell(cell: Cell) -> None:
    result = corrupted("frost", chart(cell.size), cell.severity, textures=str(_FOLDER))
    assert abs(result.mean() - cell.mean) <= 0.05
    assert abs(result.std() - cell.std) <= 0.05
    pixel = result[cell.size // 2, cell.size // 3].astype(int)
    assert np.abs(pixel - cell.pixel).max() <= 1
