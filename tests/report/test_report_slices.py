"""Groups of images: who is in which, how they fare, and what chance alone would show."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from PIL import Image, ImageFilter
from report_fakes import FakeView, blocks_of, fake_view, picture

from roadworthy.report.attributes import columns_of, groups
from roadworthy.report.blocks import Table, Text
from roadworthy.report.slices import fisher, slices
from roadworthy.report.statistics import measure, statistics


def samples(columns: Mapping[str, Any], *, correct: Any, label: Any = None) -> pl.DataFrame:
    count = len(correct)
    known = {
        "sample": [f"s{i}" for i in range(count)],
        "label": label if label is not None else [i % 3 for i in range(count)],
        "correct": correct,
        "stressed": pl.Series([None] * count, dtype=pl.Float64),
        "pictures": pl.Series([None] * count, dtype=pl.Float64),
    }
    return pl.DataFrame({**known, **columns})


def test_fishers_test_is_scipys() -> None:
    for table in (
        (3, 10, 40, 50),
        (0, 5, 30, 30),
        (20, 20, 1, 30),
        (7, 14, 7, 14),
        (95, 100, 80, 100),
    ):
        a, n, b, m = table
        expected = scipy.stats.fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue
        assert fisher(a, n, b, m) == pytest.approx(expected, rel=1e-9)


def test_the_surely_worse_come_first_then_the_lowest() -> None:
    # night: 10 of 40 right, against 90 of 100 by day; two of five in fog, which proves nothing
    light = ["night"] * 40 + ["day"] * 100
    weather = ["fog" if 37 <= i < 40 or 50 <= i < 52 else "dry" for i in range(140)]
    right = [i < 10 for i in range(40)] + [i >= 10 for i in range(100)]
    found = slices(samples({"light": light, "weather": weather}, correct=right))
    first = found[0]
    assert (first.group, first.n, first.clean.value, first.rest) == ("night", 40, 25.0, 90.0)
    assert first.worse
    assert [s.group for s in found if s.worse] == ["night"]
    assert [s.clean.value for s in found[1:]] == sorted(s.clean.value or 0 for s in found[1:])
    single = fisher(10, 40, 90, 100)
    assert first.p == pytest.approx(4 * single)  # Holm over the four groups
    assert found[-1].p == pytest.approx(3 * single)  # day is the same comparison the other way


def test_what_is_lower_by_chance_comes_after_what_is_surely_worse() -> None:
    light = ["night"] * 100 + ["day"] * 100
    right = [i < 30 for i in range(100)] + [i < 70 for i in range(100)]
    fog = {0, 50, 60, 180, 190}  # one of five right: the lowest, which proves nothing
    weather = ["fog" if i in fog else "dry" for i in range(200)]
    found = slices(samples({"light": light, "weather": weather}, correct=right))
    assert [(s.group, s.clean.value, s.worse) for s in found[:2]] == [
        ("night", 30.0, True),
        ("fog", 20.0, False),
    ]


def test_of_many_groups_of_chance_hardly_any_is_called_worse() -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(60):
        columns = {f"c{j}": rng.integers(0, 6, 200).astype(str) for j in range(5)}
        found = slices(samples(columns, correct=rng.random(200) < 0.7))
        assert len(found) > 20
        called += any(s.worse for s in found)
    assert called <= 7  # 5 % of 60 are 3; without correction it would be most of them


def test_numbers_become_quarters_and_names_of_samples_or_classes_no_groups() -> None:
    count = 80
    columns = {
        "brightness": np.arange(count, dtype=float),
        "year": [str(1990 + i % 40) for i in range(count)],
        "author": [f"author {i}" for i in range(count)],
        "synset": [f"n{i % 3}" for i in range(count)],
        "same": ["x"] * count,
        "some": [None if i < 20 else "a" if i % 2 else "b" for i in range(count)],
        "empty": pl.Series([None] * count, dtype=pl.String),
    }
    found = dict(groups(samples(columns, correct=[True] * count)))
    assert set(found) == {"brightness", "year", "some"}
    assert found["brightness"].value_counts(sort=True)["count"].to_list() == [20] * 4
    assert found["brightness"].unique(maintain_order=True).to_list() == [
        "0 to 19",
        "20 to 39",
        "40 to 59",
        "60 to 79",
    ]
    assert found["year"].n_unique() == 4
    assert found["some"].null_count() == 20


def test_rare_values_are_one_group_of_others() -> None:
    values = [f"v{i % 12}" for i in range(120)] + [f"r{i}" for i in range(8)]
    labels = [i % 5 for i in range(128)]
    (found,) = dict(
        groups(samples({"camera": values}, correct=[True] * 128, label=labels))
    ).values()
    counts = dict(found.value_counts().iter_rows())
    assert counts["others"] == 8
    assert counts["v3"] == 10


def test_columns_are_read_from_json_whatever_stands_in_it() -> None:
    listed = pl.DataFrame(
        {
            "sample": ["a", "b", "c", "d", "e"],
            "columns": ['{"x": 1, "y": " z "}', "{}", "not json", "[1]", '{"x": null, "y": ""}'],
        }
    )
    found = columns_of(listed)
    assert found.to_dicts() == [
        {"sample": "a", "x": "1", "y": "z"},
        {"sample": "e", "x": None, "y": None},
    ]
    assert columns_of(listed.clear()).columns == ["sample"]


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_images_are_measured_as_they_look() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8))
    grey = Image.new("RGB", (300, 200), (100, 100, 100))
    sharp, soft = (
        measure(encoded(noise)),
        measure(encoded(noise.filter(ImageFilter.GaussianBlur(3)))),
    )
    flat = measure(encoded(grey))
    assert sharp is not None
    assert soft is not None
    assert flat == (100.0, 0.0, 0.06)
    assert sharp[1] > 5 * soft[1] > 0
    assert measure(encoded(Image.new("L", (1, 2), 7))) == (7.0, 0.0, 2e-6)
    assert measure(encoded(noise, "JPEG")) is not None
    for broken in (None, b"", b"no image", encoded(noise)[:200]):
        assert measure(broken) is None


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def read(sample: str) -> bytes | None:
        asked.append(sample)
        return None if sample == "gone" else picture(len(asked), size=(40, 30))

    wanted = [("a", "1"), ("b", "2"), ("gone", "3"), ("same as a", "1")]
    first = statistics(tmp_path, wanted, read)
    assert first["content"].to_list() == ["1", "2"]
    assert asked == ["a", "b", "gone"]
    again = statistics(tmp_path, [*wanted, ("c", "4")], read)
    assert asked[3:] == ["gone", "c"]
    assert again["content"].to_list() == ["1", "2", "4"]
    assert again.head(2).equals(first)
    (tmp_path / "page" / "images-1.parquet").write_bytes(b"damaged")
    assert len(statistics(tmp_path, wanted, read)) == 2
    assert len(statistics(None, wanted, read)) == 2


def test_the_page_lists_columns_and_images_with_what_is_under_corruptions(tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    hard = {f"photos/{i:03d}.jpg": {"light": "dark" if i % 5 else "bright"} for i in range(50)}
    view.columns = hard
    blocks = blocks_of(view)["slices"]
    table = next(block for block in blocks if isinstance(block, Table))
    heads = [column.text for column in table.columns]
    assert heads[:4] == ["attribute", "group", "", "n"]
    assert heads[4:] == ["top-1 %", "others %", "corrected p", "under corruptions %"]
    rows = {(row.entries[0].text, row.entries[1].text): row.entries for row in table.groups[0].rows}
    clean = view.records.filter(pl.col("stress") == "clean")
    dark = [sample for sample, told in hard.items() if told["light"] == "dark"]
    own = clean.filter(pl.col("sample").is_in(dark))
    entries = rows["light", "dark"]
    assert (entries[3].text, entries[4].text) == ("40", f"{100 * own['correct'].mean():.1f}")  # type: ignore[operator,str-bytes-safe]
    noisy = view.records.filter(
        pl.col("stress").str.contains("noise"), pl.col("sample").is_in(dark)
    )
    assert entries[7].text == f"{100 * noisy['correct'].mean():.1f}"  # type: ignore[operator,str-bytes-safe]
    assert {attribute for attribute, _ in rows} == {"light", "brightness", "sharpness"}
    assert "No group is surely worse than the rest." in [
        block.text for block in blocks if isinstance(block, Text)
    ]


def test_images_that_moved_away_leave_the_columns(tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    view.images = {}
    view.columns = {f"photos/{i:03d}.jpg": {"light": "ab"[i % 2]} for i in range(50)}
    blocks = blocks_of(view)["slices"]
    table = next(block for block in blocks if isinstance(block, Table))
    assert {row.entries[0].text for row in table.groups[0].rows} == {"light"}
    assert any("no longer where they were" in b.text for b in blocks if isinstance(b, Text))


def test_without_records_there_are_no_slices() -> None:
    assert "slices" not in blocks_of(FakeView(Path(), {"rows": []}))
