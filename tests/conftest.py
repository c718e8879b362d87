"""Fixtures for all tests: a cache of their own, and the real material beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests out of the user's cache, and the user's cache out of tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ROADWORTHY_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real images and weights; skips the test where it is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("ROADWORTHY_SHARED") or beside)
    if not (folder / "data").is_dir():
        pytest.skip(f"no real material at {folder}; set ROADWORTHY_SHARED to its folder")
    return folder
