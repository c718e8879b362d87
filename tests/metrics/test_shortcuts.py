"""Ways to the same numbers that are shorter where they apply, beside the plain ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from roadworthy.engine.parts import (
    COLUMNS,
    DIGITS,
    MARK,
    OLD_MARK,
    DamagedPartError,
    intact,
    read_part,
    sealed,
)
from roadworthy.engine.store import empty_rows
from roadworthy.metrics.calibration import BINS, EDGES, bins_of
from roadworthy.metrics.classes import _numbered, by_class
from roadworthy.metrics.clusters import Clusters, Groups, _looked_up, cluster
from roadworthy.metrics.coverage_at_risk import RISK, _local_rate, _variance_of_excess
from roadworthy.metrics.curve import mean_error
from roadworthy.metrics.interval import effective_size
from roadworthy.metrics.samples import errors_by_severity, severities
from roadworthy.metrics.seen import Shared, distinct, empty_columns, once, part_of, share
from roadworthy.metrics.selective import ranked
from roadworthy.metrics.worst_class import _falls_to
from roadworthy.report import worst
from roadworthy.report.reliability import Reliability
from roadworthy.run import CellRecord


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
    chosen = rng.random(3000) < 0.9
    expected = worst._first(rows, chosen, 12)
    plain = rows.filter(pl.Series(chosen)).sort(
        "conf", "sample", "variant", descending=[True, False, False]
    )
    assert_frame_equal(plain.unique("sample", keep="first", maintain_order=True).head(12), expected)
    for many in (1, 20, 1000):
        monkeypatch.setattr(worst, "MANY", many)
        assert_frame_equal(worst._first(rows, chosen, 12), expected)


def test_a_change_of_any_byte_about_the_checksum_is_seen() -> None:
    data = sealed(empty_rows(), {"request": "r"})
    assert intact(data)
    start = data.rfind(MARK)
    for place in (0, *range(start, start + len(MARK) + DIGITS + 8), len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not intact(bytes(changed)), place


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 19, 21, 200, 1003])
def test_error_rates_around_a_place_are_those_of_the_rows_there(count: int) -> None:
    errors = (np.random.default_rng(count).random(count) < 0.3).astype(np.float64)
    reach = max(10, count // 20)
    slow = [errors[max(0, k - reach) : k + reach].mean() for k in range(1, count + 1)]
    assert np.allclose(_local_rate(np.cumsum(errors), np.arange(1.0, count + 1)), slow)


def test_the_variance_at_a_threshold_counts_the_errors_there() -> None:
    rng, count = np.random.default_rng(0), 400
    right = (rng.random(count) < 0.6).astype(np.float64)
    groups = Groups(np.arange(count), count, pl.Series(range(count)))
    data = Clusters(groups, {"correct": right, "conf": rng.random(count)})
    rank = ranked(data)
    total, place = np.cumsum(rank.errors), np.arange(1.0, count + 1)
    found = _variance_of_excess(data, rank, place, total)
    apart = _local_rate(total, place) - RISK
    rowwise = place * (RISK * (1 - RISK) + apart**2) - (place * apart) ** 2 / count
    least = place * RISK * (1 - RISK)
    assert np.allclose(found, np.maximum(rowwise, least))
    assert (found > 1.5 * least).mean() > 0.5


@given(st.floats(-3.0, 3.0), st.floats(0.2, 5.0))
def test_where_a_function_falls_to_a_level(level: float, slope: float) -> None:
    def falling(x: float) -> float:
        return -slope * (x - 4) ** 3

    expected = min(8.0, max(1.0, 4 + float(np.cbrt(-level / slope))))
    assert _falls_to(level, falling, 1.0, 8.0) == pytest.approx(expected, abs=1e-4)
    looks = itertools.count()
    _falls_to(level, lambda x: -slope * x + 0 * next(looks), 1.0, 8.0)
    assert next(looks) <= 5  # at once where it is a line


def test_rows_grouped_as_those_of_a_frame_are_grouped_once() -> None:
    rows = pl.DataFrame({"sample": [0, 0, 2], "value": [1.0, 2.0, 5.0]})
    rows = rows.with_columns(pl.col("sample").cast(pl.UInt32))
    first, second = cluster(rows, rows), cluster(rows.clone(), rows)
    assert first.groups is second.groups
    assert second.sums(second["value"]).tolist() == [3.0, 5.0]
    fewer = cluster(rows.with_columns(value=pl.Series([1.0, None, 5.0])), rows)
    assert fewer.sums(fewer["value"]).tolist() == [1.0, 5.0]
    assert fewer.counts.tolist() == [1.0, 1.0]
    other = cluster(rows.with_columns(sample=pl.Series([0, 1, 2], dtype=pl.UInt32)), rows)
    assert other.size == 3


def test_classes_of_single_rows_have_as_many_rows_as_samples() -> None:
    right = [True, False, True, True, True]
    rows = pl.DataFrame(
        {
            "sample": pl.Series(range(5), dtype=pl.UInt32),
            "label": pl.Series([7, 7, 7, 2, 2], dtype=pl.Int32),
            "correct": right,
            "status": "ok",
            "frames_correct": pl.Series([None] * 5, dtype=pl.List(pl.Boolean)),
        }
    )
    found = by_class(rows)
    assert found.label.tolist() == [2, 7]
    assert found.share.tolist() == pytest.approx([1, 2 / 3])
    squares = [0.0, sum((r - 2 / 3) ** 2 for r in right[:3])]
    assert found.size.tolist() == pytest.approx(
        effective_size([1, 2 / 3], squares, [2, 3], [2, 3]).tolist()
    )


def test_severities_of_one_level_and_of_several() -> None:
    def of(*levels: int | None) -> list[int]:
        return severities(pl.DataFrame({"severity": pl.Series(levels, dtype=pl.Int32)}))

    assert of(3, 3, 3) == [3]
    assert of(None, 3) == [3]
    assert of(5, 1, 1, None, 2) == [1, 2, 5]
    assert of(None) == []


def test_frames_that_share_make_one_value_whichever_asks_first() -> None:
    made = itertools.count(1)

    def ask(frame: pl.DataFrame) -> int:
        shared: Shared[int] = once(frame, "key", Shared)
        return shared.get(lambda: next(made))

    whole = pl.DataFrame({"a": [1], "b": [2]})
    part = whole.select("a")
    share(whole, part, "key")
    assert [ask(part), ask(whole), ask(whole.select("a"))] == [1, 1, 2]


def test_pictures_are_counted_by_confidence_and_samples_once_a_bin() -> None:
    judged = pl.DataFrame(
        {
            "sample": pl.Series([0, 0, 0, 3, 4, 4], dtype=pl.UInt32),
            "correct": [True, False, True, True, False, True],
            "conf": pl.Series([0.05, 0.05, 0.95, 1.0, 0.1, None], dtype=pl.Float32),
        }
    )
    counted = Reliability()
    counted.add(CellRecord("d", "m", "s", "fp32", "r", "x"), "m", judged)
    (found,) = counted.found
    assert found["samples"] == 3
    assert found["bins"] == [[0, 2, 1, 0.05, 1], [1, 1, 1, 0.1, 0], [9, 2, 2, 0.975, 2]]
    counted.add(CellRecord("d", "m", "s", "fp32", "r", "x"), "m", judged.clear())
    assert len(counted.found) == 1


@given(
    st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=4),
    st.integers(1, 4),
    st.sets(st.integers(0, 15), max_size=2),
    st.booleans(),
)
def test_errors_of_each_severity_are_those_of_its_rows(
    levels: list[int], times: int, unjudged: set[int], by_name: bool
) -> None:
    severity = levels * times
    count = len(severity)
    sample = pl.Series(np.arange(count) // len(levels), dtype=pl.UInt32)
    rows = pl.DataFrame(
        {
            "sample": sample.cast(pl.String) if by_name else sample,
            "severity": pl.Series(severity, dtype=pl.Int32),
            "correct": [None if n in unjudged else n % 3 == 0 for n in range(count)],
        },
        schema_overrides={"correct": pl.Boolean},
    )
    judged = rows.drop_nulls().with_columns(value=~pl.col("correct"))
    found = errors_by_severity(rows)
    assert list(found) == sorted(set(judged["severity"]))
    if len(found) < 2:
        assert mean_error.function(rows) is None
    for level, frame in found.items():
        assert_frame_equal(
            frame, judged.filter(pl.col("severity") == level).select("sample", "value")
        )


def test_a_part_knows_what_all_rows_say_and_looks_the_rest_up() -> None:
    columns = {
        "one": list("aaaa"),
        "two": list("xyxy"),
        "some": ["b", None, "c", None],
        "none": [None] * 4,
    }
    rows = pl.DataFrame(columns, schema_overrides={"none": pl.String})
    for places in ([0, 2], [1, 3], [0, 1], []):
        part = part_of(rows, rows[places])
        alone = rows[places]
        for name in columns:
            assert sorted(distinct(part, name), key=str) == sorted(distinct(alone, name), key=str)
        assert empty_columns(part) == empty_columns(alone)
    assert empty_columns(part_of(rows, rows[[1, 3]])) == {"some", "none"}


def test_parts_of_the_same_images_in_the_same_order_say_so(tmp_path: Path) -> None:
    def standing(samples: str, contents: str) -> str | None:
        count = len(samples)
        said = {"sample": list(samples), "content": list(contents), "variant": ["v"] * count}
        rows = pl.concat([empty_rows(), pl.DataFrame(said)], how="diagonal")
        footer = {"request": "r", "columns": COLUMNS, "key": samples, "sequence": 1}
        path = tmp_path / "part.parquet"
        path.write_bytes(sealed(rows, footer))
        return read_part(path).standing

    first = standing("abc", "123")
    assert first is not None
    assert first == standing("abc", "123")
    others = (("acb", "123"), ("abc", "124"), ("ab", "12"), ("acb", "132"), ("", ""))
    assert len({first, *(standing(*one) for one in others)}) == 6


def test_a_part_of_an_earlier_version_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    data = sealed(empty_rows(), {"request": "r"})
    path.write_bytes(data.replace(MARK, OLD_MARK))
    with pytest.raises(DamagedPartError, match="its checksum is that of an earlier version"):
        read_part(path)
    path.write_bytes(data.replace(b"PAR1", b"PAR2"))
    with pytest.raises(DamagedPartError, match="its bytes are not those"):
        read_part(path)
