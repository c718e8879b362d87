"""Ways to the same numbers that are shorter where they apply, beside the plain ones."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from roadworthy.engine.parts import DIGITS, MARK, intact, sealed
from roadworthy.engine.store import empty_rows
from roadworthy.metrics.calibration import BINS, EDGES, bins_of
from roadworthy.metrics.classes import _numbered
from roadworthy.metrics.clusters import _looked_up
from roadworthy.report import worst


def test_bins_of_confidences_end_where_their_edges_are() -> None:
    near = [np.nextafter(EDGES, np.float32(side)) for side in (0, 1)]
    conf = np.concatenate([EDGES, *near, np.linspace(0, 1, 5000), [0.0, 1.0]]).astype(np.float64)
    expected = np.searchsorted(EDGES, conf.astype(np.float32), side="left")
    assert bins_of(conf).tolist() == expected.tolist()
    assert set(expected) == set(range(BINS))


@given(st.lists(st.integers(-5, 2000), min_size=1, max_size=50))
def test_labels_are_numbered_as_numpy_does(labels: list[int]) -> None:
    expected = np.unique(np.array(labels, np.int64), return_inverse=True)
    for found, known in zip(_numbered(np.array(labels, np.int64)), expected, strict=True):
        assert found.tolist() == known.tolist()


def test_few_labels_that_lie_far_apart_are_numbered_as_well() -> None:
    label, which = _numbered(np.array([10**9, -3, 10**9], np.int64))
    assert label.tolist() == [-3, 10**9]
    assert which.tolist() == [1, 0, 1]


def test_as_many_samples_need_not_be_the_same_samples() -> None:
    rows = pl.DataFrame(
        {"sample": [1, 3, 4], "pred": [10, 30, 40]}, schema_overrides={"sample": pl.UInt32}
    )
    clean = pl.DataFrame(
        {"sample": [1, 2, 4], "clean": [7, 8, 9]}, schema_overrides={"sample": pl.UInt32}
    )
    found = _looked_up(rows, clean)
    assert found.rows() == [(1, 10, 7), (4, 40, 9)]
    assert _looked_up(clean.select("sample", pred="clean"), clean)["clean"].to_list() == [7, 8, 9]


def test_the_worst_of_many_images_are_those_that_a_whole_sort_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame(
        {
            "conf": rng.integers(0, 30, 3000) / 30,  # many of them tied
            "sample": rng.integers(0, 500, 3000),
            "variant": rng.integers(0, 3, 3000).astype(str),
        }
    )
    monkeypatch.setattr(worst, "MANY", 10**9)
    expected = worst._first(rows, 12)
    for many in (1, 20, 1000):
        monkeypatch.setattr(worst, "MANY", many)
        assert_frame_equal(worst._first(rows, 12), expected)


def test_a_change_of_any_byte_about_the_checksum_is_seen() -> None:
    data = sealed(empty_rows(), {"request": "r"})
    assert intact(data)
    start = data.rfind(MARK)
    for place in (0, *range(start, start + len(MARK) + DIGITS + 8), len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not intact(bytes(changed)), place
