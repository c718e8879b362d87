"""Contact sheets, and stored sets through a whole run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from roadworthy import UsageError
from roadworthy.sheet import GAP, LABEL, sheet
from roadworthy.stress.bound import stress


def test_a_sheet_shows_clean_and_every_severity(tmp_path: Path) -> None:
    Pillow.linear_gradient("L").convert("RGB").save(tmp_path / "x.png")
    out = sheet("brightness", tmp_path / "b.png", image=tmp_path / "x.png")
    page = np.asarray(Pillow.open(out))
    assert page.shape == (224 + LABEL + 2 * GAP, 6 * (224 + GAP) + GAP, 3)
    tiles = [page[GAP : GAP + 224, GAP + i * 232 : GAP + i * 232 + 224] for i in range(6)]
    means = [float(tile.mean()) for tile in tiles]
    assert means == sorted(means)
    one = stress("brightness(severity=5)")
    strength = one.definition.levels.strengths(5, (224, 224, 3))  # type: ignore[union-attr]
    assert np.array_equal(tiles[5], one.definition.function(tiles[0], **strength))


def test_a_sheet_of_a_sequence_shows_its_first_and_last_frame(tmp_path: Path) -> None:
    Pillow.linear_gradient("L").rotate(90).convert("RGB").save(tmp_path / "x.png")
    page = np.asarray(Pillow.open(sheet("translate", tmp_path / "t.png", image=tmp_path / "x.png")))
    first, last = page[GAP + 100, GAP : GAP + 224], page[GAP + 100, GAP + 5 * 232 :][:224]
    assert np.array_equal(first[:180], last[40:220])


def test_what_has_no_picture_gets_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="makes no picture"):
        sheet("jpeg(quality=30)", tmp_path / "x.png")
    with pytest.raises(UsageError, match="does not exist"):
        sheet("contrast", tmp_path / "x.png", image=tmp_path / "nowhere.png")
    assert not (tmp_path / "x.png").exists()
