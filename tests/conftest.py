"""Fixtures for all tests: a cache of their own, and the real material beside the checkout."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


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


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Return a maker of small PNG files, a different one for each number."""

    def make(number: int) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()

    return make
