"""Fixtures of the engine tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import write_pictures


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a class folder of 24 pictures."""
    return write_pictures(tmp_path / "pictures")
