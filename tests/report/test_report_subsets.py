"""Overinterpretation on the page: pictures are those that were judged, numbers those of the records."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image
from ranked_world import at, kept_order, subsets, sure_net
from transfer_world import pictures, tinted

import roadworthy as rw
from roadworthy.report.blocks import Block, Picture, Pictures, Table, Text
from roadworthy.report.cells import Cell
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.html import render
from roadworthy.report.opened import Opened
from roadworthy.report.reading import Reading
from roadworthy.report.rebuild import rebuild
from roadworthy.report.sections.overinterpretation import overinterpretation
from roadworthy.report.subsets import cards as cards_module
from roadworthy.report.subsets.audits import Audit
from roadworthy.report.subsets.controls import CONTROLS, _sum, share_against, verdict
from roadworthy.report.subsets.maps import coloured
from roadworthy.report.subsets.pieces import piece_of
from roadworthy.report.together import Together

SPEC = "sis(threshold=0.6, draws=3, fractions=(0.1, 0.5))"
MEAN = (0.5, 0.25, 0.75)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("subsets")


@pytest.fixture(scope="module")
def run(world: Path) -> rw.Run:
    return rw.evaluate(sure_net(1), pictures(world), SPEC, out=world / "out")


def section_of(view: Any) -> list[Block]:
    return list(overinterpretation.function(Evidence(view)))


def tables(blocks: Sequence[Block], title: str) -> list[list[str]]:
    (table,) = [b for b in blocks if isinstance(b, Table) and b.title == title]
    return [[one.text for one in row.entries] for group in table.groups for row in group.rows]


def texts(blocks: Sequence[Block]) -> list[str]:
    return [b.text for b in blocks if isinstance(b, Text)]


def cards_of(blocks: Sequence[Block]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Pictures):
            yield from block.pictures


def pixels(uri: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).to_numpy().mean())


def kept_in(view: Any, row: dict[str, Any]) -> NDArray[np.bool_]:
    piece = piece_of(view, row)
    assert piece.kept is not None, piece.why
    return piece.kept


def original(run: rw.Run, sample: str) -> NDArray[np.uint8]:
    from roadworthy.pipeline.base import run as prepared

    dataset = rw.open(run.runs[0]["data"][0]["spec"])
    found = next(s for s in dataset.samples if s.id == sample)
    return prepared(dataset.read(found), sure_net(1).pipeline, name=sample)


def test_a_card_shows_the_whole_the_kept_pixels_and_the_mask(run: rw.Run) -> None:
    rows = at(subsets(run), "threshold=0.6").filter(pl.col("kept").is_not_null())
    ordered = rows.sort("kept", "sample")["sample"].to_list()
    seen = list(cards_of(section_of(Opened(run))))
    assert [one.soft[0] for one in seen[:3]] == ordered[:3]
    assert [one.soft[0] for one in seen[3:6]] == ordered[::-1][:3]
    for card in seen[:6]:
        row = rows.filter(pl.col("sample") == card.soft[0]).row(0, named=True)
        kept = kept_order(run, row) >= 64 - round(64 * row["kept"])
        whole, shown, mask = (pixels(panel.uri) for panel in card.panels)
        frame = original(run, row["sample"])
        assert np.array_equal(whole, frame)
        assert np.array_equal(mask == 255, kept)
        assert np.array_equal(shown[kept], frame[kept])
        assert (shown[~kept] == 0).all()  # the network has no mean
        assert card.lines[-2].startswith(f"{100 * row['kept']:.3g} % of the pixels, ")
        assert card.strong == run.class_name(run.runs[0]["models"][0]["spec"], row["target"])
        assert card.right == (row["target"] == row["label"])


class Told(Opened):
    """A run of which something else is known."""

    mean: tuple[float, ...] | None = MEAN

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self.run.summary))
        found["run"]["models"][0].pop("mean")
        if self.mean is not None:
            found["run"]["models"][0]["mean"] = list(self.mean)
        return found


def test_what_covers_is_what_the_model_saw(run: rw.Run) -> None:
    row = at(subsets(run), "threshold=0.6").filter(pl.col("kept").is_not_null()).row(0, named=True)
    view = Told(run)
    piece, kept = piece_of(view, row), kept_in(view, row)
    assert piece.shown is not None
    assert (piece.shown[~kept] == np.rint(255 * np.array(MEAN))).all()
    view.mean = None
    piece = piece_of(view, row)
    assert piece.shown is not None
    assert (piece.shown[~kept] == 128).all()
    assert "not known" in piece.why


def test_every_variant_that_is_kept_can_be_shown(run: rw.Run) -> None:
    view, rows = Opened(run), subsets(run).filter(pl.col("kept").is_not_null())
    frames = {}
    for variant in rows["variant"].unique().sort():
        row = at(rows, variant).row(0, named=True)
        piece = piece_of(view, row)
        if "minimal" in variant:
            assert piece.shown is None
            assert "not kept" in piece.why
            continue
        assert piece.kept is not None, (variant, piece.why)
        assert piece.kept.mean() == pytest.approx(row["kept"], abs=1e-6), variant
        frames[variant] = piece
    mask = frames["threshold=0.6,control=mask_only"]
    assert mask.shown is not None
    assert mask.kept is not None
    assert np.array_equal(mask.shown, np.repeat(255 * mask.kept[..., None], 3, 2))
    base = frames["threshold=0.6"].kept
    assert base is not None
    assert np.array_equal(mask.kept, base)
    dilated = frames["threshold=0.6,control=dilated"].kept
    assert dilated is not None
    assert (dilated >= base).all()
    drawn = at(rows, "control=random_subset,fraction=0.1").row(0, named=True)
    first, second = (kept_in(view, {**drawn, "frame": n}) for n in (1, 2))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, kept_in(view, drawn))


def test_pictures_of_the_gallery_show_subsets_too(run: rw.Run) -> None:
    view = Opened(run)
    found = [e for e in view.summary["images"] if e["axis"] == "overinterpretation"]
    assert found
    made = [rebuild(view, e) for e in found if "minimal" not in e["variant"]]
    assert made
    assert all(one.stressed is not None for one in made), [one.why for one in made]


def test_the_numbers_are_those_of_the_records(run: rw.Run) -> None:
    blocks = section_of(Opened(run))
    rows = at(subsets(run), "threshold=0.6").filter(pl.col("kept").is_not_null())
    ((name, n, *sizes),) = tables(blocks, "Sizes")
    assert (name, int(n)) == ("threshold=0.6", len(rows))
    kept = 100 * rows["kept"].to_numpy().astype(float)
    assert sizes[:2] == [f"{np.median(kept):.1f}", f"{kept.mean():.1f}"]
    assert sizes[-2:] == [f"{100 * mean(rows[side]):.1f}" for side in ("border", "centre")]
    by_name = {row[0]: row for row in tables(blocks, "Controls")}
    for label, control in (("dilated subset", "dilated"), ("mask alone", "mask_only")):
        own = at(subsets(run), f"threshold=0.6,control={control}").filter(pl.col("status") == "ok")
        said = [f"{100 * mean(own[c]):.1f}" for c in ("conf_target", "sufficient")]
        assert by_name[label][2:5] == [str(len(own)), *said]
    figures = {b.title: b.spec["datasets"]["points"] for b in blocks if isinstance(b, Figure)}
    assert set(figures) == {
        "Confidence against what is left",
        "Accuracy from a share of the pixels",
        "Size of the subsets by confidence",
    }
    curve = np.array(rows["removal_conf"].to_list())
    drawn = figures["Confidence against what is left"]
    assert [p["value"] for p in drawn] == pytest.approx(100 * curve.mean(0), rel=1e-5)
    points = {
        (p["series"], p["x"]): p["value"] for p in figures["Accuracy from a share of the pixels"]
    }
    assert set(points) == {
        (series, x)
        for series in ("pixels that the model keeps longest", "random pixels")
        for x in (10, 50)
    }
    own = at(subsets(run), "fraction=0.1").filter(pl.col("status") == "ok")
    right = 100 * mean(own["correct"])
    assert points["pixels that the model keeps longest", 10] == pytest.approx(right)
    random = at(subsets(run), "control=random_subset,fraction=0.1").filter(pl.col("status") == "ok")
    share = 100 * mean(random["frames_correct"].explode())
    assert points["random pixels", 10] == pytest.approx(share)


def test_heat_maps_count_how_often_a_pixel_is_kept(run: rw.Run) -> None:
    rows = at(subsets(run), "threshold=0.6").filter(pl.col("kept").is_not_null())
    orders = [kept_order(run, r) >= 64 - round(64 * r["kept"]) for r in rows.iter_rows(named=True)]
    maps = [c for c in cards_of(section_of(Opened(run))) if "heat map" in c.panels[0].alt]
    assert maps[0].strong == "all images"
    assert np.array_equal(pixels(maps[0].panels[0].uri), coloured(np.sum(orders, axis=0)))
    assert maps[0].lines[0].startswith(f"{len(rows)} images; ")
    classes = (
        rows["target"].value_counts().filter(pl.col("count") >= 3).sort("count", descending=True)
    )
    assert len(maps) == 1 + len(classes)
    label, count = classes.row(0)
    same = [o for o, t in zip(orders, rows["target"], strict=True) if t == label]
    assert maps[1].lines[0].startswith(f"{count} images")
    assert np.array_equal(pixels(maps[1].panels[0].uri), coloured(np.sum(same, axis=0)))


def test_colours_go_from_dark_to_light() -> None:
    shown = coloured(np.array([[0.0, 1.0, 2.0, 3.0, 4.0]]))
    assert (np.diff(shown.astype(int).sum(-1)) > 0).all()
    assert shown[0, 0].tolist() == [12, 12, 40]
    assert shown[0, -1].tolist() == [252, 250, 190]
    assert (coloured(np.zeros((2, 2))) == [12, 12, 40]).all()


def reading(value: float, low: float, high: float) -> Cell:
    return Cell(
        "m", "d", "m", "sis", "v", {"sufficient_rate": Reading(value, low, high, "percent", 9)}
    )


@pytest.mark.parametrize(
    ("control", "rate", "against", "said"),
    [
        ("mask_only", (90.0, 60.0, 98.0), (90.0, 60.0, 98.0), "against"),
        ("mask_only", (10.0, 2.0, 40.0), (10.0, 2.0, 40.0), "for"),
        ("random_class", (60.0, 40.0, 80.0), (60.0, 40.0, 80.0), "open"),
        ("random_subset", (0.0, 0.0, 49.9), (0.0, 0.0, 49.9), "for"),
        ("dilated", (10.0, 2.0, 40.0), (90.0, 60.0, 98.0), "against"),
        ("dilated", (90.0, 60.0, 98.0), (10.0, 2.0, 40.0), "for"),
        ("baseline", (50.0, 20.0, 80.0), (50.0, 20.0, 80.0), "open"),
    ],
)
def test_which_way_a_control_speaks(
    control: str, rate: tuple[float, ...], against: tuple[float, ...], said: str
) -> None:
    found = share_against(CONTROLS[control], reading(*rate))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx(against)
    assert verdict(found) == said


def test_what_speaks_neither_way_has_no_verdict(run: rw.Run) -> None:
    assert share_against(CONTROLS["minimal"], reading(100.0, 90.0, 100.0)) is None
    assert share_against(CONTROLS["dilated"], Cell("m", "d", "m", "sis", "v")) is None
    by_name = {row[0]: row for row in tables(section_of(Opened(run)), "Controls")}
    assert by_name["after a deletion pass"][-1] == ""
    assert by_name["the subset itself"][-1] == ""


def test_pictures_that_are_gone_are_said_and_the_numbers_stand(run: rw.Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    shutil.rmtree(folder / "artifacts")
    blocks = section_of(Opened(rw.Run(folder)))
    said = "\n".join(texts(blocks))
    assert "subsets cannot be shown again" in said
    assert "orders of pixels are no longer kept" in said
    assert all(len(card.panels) == 1 for card in cards_of(blocks))
    assert tables(blocks, "Sizes") == tables(section_of(Opened(run)), "Sizes")
    shutil.rmtree(folder / "records")
    (folder / "records").mkdir()
    os.utime(folder / "summary.json")
    left = section_of(Opened(rw.Run(folder)))
    assert tables(left, "Sizes") == tables(blocks, "Sizes")
    assert tables(left, "Controls") == tables(blocks, "Controls")
    assert [b.title for b in left if isinstance(b, Figure)] == [
        "Accuracy from a share of the pixels"
    ]
    assert not list(cards_of(left))


def test_images_that_moved_away_leave_no_picture(run: rw.Run, tmp_path: Path) -> None:
    class Moved(Opened):
        def image(self, data: str, sample: str) -> bytes | None:
            return None

    blocks = section_of(Moved(run))
    assert all("no longer where it was" in c.why for c in cards_of(blocks) if not c.panels)
    maps = [c for c in cards_of(blocks) if c.panels]
    assert maps
    assert all("heat map" in c.panels[0].alt for c in maps)  # they need the orders alone


def test_pictures_take_so_many_bytes_and_no_more(
    run: rw.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards_module, "MOST_BYTES", 1)
    blocks = section_of(Opened(run))
    shown = [c for c in cards_of(blocks) if len(c.panels) == 3]
    assert len(shown) == 1
    assert "5 more would make the page too large." in texts(blocks)


def test_subsets_that_others_judge_are_compared(world: Path, tmp_path: Path) -> None:
    data = f"imagefolder:{world / 'pictures'}"
    nets = [sure_net(1), sure_net(2)]
    run = rw.evaluate(nets, data, SPEC, out=tmp_path / "out", transfer=True)
    blocks = section_of(Opened(run))
    rows = tables(blocks, "Subsets shown to other models")
    assert {(row[0], row[1]) for row in rows} == {("net1", "net2"), ("net2", "net1")}
    assert {row[2] for row in rows} == {"threshold=0.6", "fraction=0.1", "fraction=0.5"}
    both = subsets(run).filter((pl.col("source") == "net1") & (pl.col("model") == "net2"))
    own = at(both, "threshold=0.6").filter(pl.col("overlap").is_not_null())
    (line,) = [r for r in rows if r[:3] == ["net1", "net2", "threshold=0.6"]]
    assert f"{100 * mean(own['overlap']):.1f}" in line
    sizes = tables(blocks, "Sizes")
    assert [row[0] for row in sizes] == ["net1", "net2"]
    others = 4 + 5 + 1  # a pass of deletion and three controls, five covers, a random class
    assert len(tables(blocks, "Controls")) == 2 * (1 + others)
    (controls,) = [b for b in blocks if isinstance(b, Table) and b.title == "Controls"]
    assert [group.title for group in controls.groups] == ["net1", "net2"]
    page = render(run, images=0)
    assert "This section could not be written" not in page


def test_two_thresholds_share_an_order_and_two_runs_one_page(world: Path, tmp_path: Path) -> None:
    data = f"imagefolder:{world / 'pictures'}"
    spec = "sis(threshold=[0.6, 0.8], draws=2, fractions=(0.1))"
    run = rw.evaluate(sure_net(1), data, spec, out=tmp_path / "out")
    blocks = section_of(Opened(run))
    assert len(tables(blocks, "Sizes")) == 2
    figures = {b.title: b.spec["datasets"]["points"] for b in blocks if isinstance(b, Figure)}
    accuracy = figures["Accuracy from a share of the pixels"]
    assert len(accuracy) == 2  # once for all thresholds
    assert not any("0.6" in p["series"] for p in accuracy)
    other = rw.evaluate(sure_net(2), data, SPEC, out=tmp_path / "other")
    both = section_of(Together([Opened(run), Opened(other)]))
    assert len(tables(both, "Sizes")) == 3
    assert all(len(c.panels) == 3 for c in list(cards_of(both))[:6])


def test_names_of_classes_and_samples_are_text(run: rw.Run) -> None:
    class Hostile(Opened):
        def class_name(self, model: str, label: int) -> str:
            return "<script>alert(1)</script>"

    text = render(Hostile(run), images=1)
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    card = next(cards_of(section_of(Hostile(run))))
    assert replace(card, right=True).strong == "<script>alert(1)</script>"


def test_a_model_without_names_has_those_of_data_matched_in_order(tmp_path: Path) -> None:
    nameless = rw.wrap(tinted(1), size=16, name="bare")
    run = rw.evaluate(nameless, pictures(tmp_path), "clean", out=tmp_path / "out", limit=3)
    names = [run.class_name("bare", label) for label in range(3)]
    assert names == ["blue", "green", "red"]
    assert run.class_name("bare", 7) == "7"


def test_without_controls_none_is_said_to_have_been_passed() -> None:
    alone = cast(Audit, SimpleNamespace(title="net", controls=list))
    text, _ = _sum(alone)
    assert text == "net: No controls were run, so that nothing has tested this reading."
