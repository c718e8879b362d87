"""Stored benchmarks get the metrics of their suite, as the pictures made in a run do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS, colour_net, write_pictures
from PIL import Image as Pillow
from report_fakes import said

import roadworthy as rw
from roadworthy import suites as package
from roadworthy.baselines import load_baseline
from roadworthy.data.stored import CORRUPTIONS, PERTURBATIONS, live_name
from roadworthy.metrics import corruption_error
from roadworthy.report import parts
from roadworthy.stores import store
from roadworthy.suites import Suite

THREE = ("gaussian_noise", "brightness", "contrast")
ALEXNET = load_baseline("alexnet-imagenet_c")
RGB = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
Found = dict[tuple[str, str], Any]


def found(run: rw.Run, data: str = "") -> Found:
    """Return the rows of whole sets and of suites by stress and metric."""
    rows = [r for r in run.summary["rows"] if r["data"].startswith(data)]
    return {(r["stress"].partition("(")[0], r["metric"]): r for r in rows}


def reasons(run: rw.Run) -> list[str]:
    return [entry["reason"] for entry in run.summary["unavailable"]]


def solid(colour: str, side: int = 224) -> np.ndarray:
    return np.full((side, side, 3), RGB[colour], np.uint8)


def imagenet_c(root: Path, wrong: Callable[[int, int], int], *, side: int = 224) -> Path:
    """Write all of ImageNet-C with ten images, of which ``wrong(corruption, severity)`` are wrong."""
    kept = {c: store("jpeg(quality=85)").encode([solid(c, side)], False) for c in COLOURS}
    for place, name in enumerate(CORRUPTIONS):
        for level in range(1, 6):
            for number in range(10):
                folder = root / name / str(level) / COLOURS[number % 2]
                folder.mkdir(parents=True, exist_ok=True)
                shown = "blue" if number < wrong(place, level) else COLOURS[number % 2]
                (folder / f"{number}.JPEG").write_bytes(kept[shown])
            (root / name / str(level) / "blue").mkdir(exist_ok=True)
            (root / name / str(level) / "blue/b.JPEG").write_bytes(kept["blue"])
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imagenet_c(tmp_path_factory.mktemp("whole"), lambda place, level: (place + level) % 7)


def test_the_published_set_worked_out_on_paper(whole: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    for number in range(10):
        (clean / COLOURS[number % 2]).mkdir(parents=True, exist_ok=True)
        shown = "blue" if number < 2 else COLOURS[number % 2]
        Pillow.fromarray(solid(shown)).save(clean / COLOURS[number % 2] / f"{number}.png")
    (clean / "blue").mkdir()
    Pillow.fromarray(solid("blue")).save(clean / "blue/b.png")
    data = [f"imagenet_c:{whole}", f"imagefolder:{clean}"]
    run = rw.evaluate(colour_net(), data, "clean(frame=imagenet)", out=tmp_path / "out")
    rows = found(run, data[0])
    errors = {
        name: [((place + level) % 7) / 11 for level in range(1, 6)]
        for place, name in enumerate(CORRUPTIONS)
    }
    ces = {n: 100 * sum(e) / (sum(ALEXNET.errors[n].values()) / 100) for n, e in errors.items()}
    for name, value in ces.items():
        assert rows[name, "ce"]["value"] == pytest.approx(value, rel=1e-6)
        assert (rows[name, "ce"]["data"], rows[name, "ce"]["n"]) == (data[0], 11)
    mce = rows["imagenet_c", "mce"]
    assert mce["value"] == pytest.approx(np.mean(list(ces.values())), rel=1e-6)
    assert (mce["data"], mce["stress"], mce["n"], mce["failed"]) == (data[0], "imagenet_c", 11, 0)
    mean = rows["imagenet_c", "mean_error"]["value"]
    assert mean == pytest.approx(100 * np.mean(list(errors.values())), rel=1e-6)
    relative = [
        100 * (sum(e) - 5 * 2 / 11) / (sum(ALEXNET.errors[n].values()) / 100 - 5 * 0.4348)
        for n, e in errors.items()
    ]
    assert rows["imagenet_c", "relative_mce"]["value"] == pytest.approx(np.mean(relative), rel=1e-6)
    assert run.summary["unavailable"] == []
    (suite,) = run.summary["run"]["suites"]
    assert (suite["clean"], suite["headline"]) == (data[1], "mce")
    assert f"Its mCE over imagenet_c is {mce['value']:.1f} %" in said(run.summary)


def test_a_part_has_no_mce_but_says_what_is_missing(whole: Path, tmp_path: Path) -> None:
    net, out = colour_net(), tmp_path / "out"
    rw.evaluate(net, f"imagenet_c:{whole}(corruptions=fog)", out=out)
    run = rw.evaluate(net, f"imagenet_c:{whole}(corruptions=snow, severities=[2, 5])", out=out)
    rows = found(run, f"imagenet_c:{whole}(corruptions=[snow, fog])")
    place = CORRUPTIONS.index("fog")
    mine = [((place + level) % 7) / 11 for level in range(1, 6)]
    other = [((place - 2 + level) % 7) / 11 for level in (2, 5)]
    ce = rows["fog", "ce"]["value"]
    assert ce == pytest.approx(1e4 * sum(mine) / sum(ALEXNET.errors["fog"].values()), rel=1e-6)
    assert rows["snow", "ce"]["value"] is None
    assert rows["imagenet_c", "mce"]["value"] is None
    mean = rows["imagenet_c", "mean_error"]["value"]
    assert mean == pytest.approx(100 * (np.mean(mine) + np.mean(other)) / 2, rel=1e-6)
    said = " | ".join(reasons(run))
    assert "snow lacks severities 1, 3, 4" in said
    assert "gaussian_noise, shot_noise" in said
    assert "jpeg_compression missing" in said
    assert "mean_error is over what is there" in said
    assert "relative_ce: its clean images were not judged" in said
    assert "-s 'clean(frame=imagenet)'" in said


def test_frames_of_another_size_have_no_baseline(tmp_path: Path) -> None:
    folder = imagenet_c(tmp_path / "small", lambda place, level: level, side=64)
    run = rw.evaluate(colour_net(), f"imagenet_c:{folder}(corruptions=fog)", out=tmp_path / "out")
    assert found(run)["fog", "ce"]["value"] is None
    assert found(run)["imagenet_c", "mean_error"]["value"] == pytest.approx(100 * 3 / 11, rel=1e-6)
    assert "of frames of 224x224, these are of 64x64" in reasons(run)[0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a suite ``small`` of three corruptions, which are all that mCE is over."""
    monkeypatch.setattr(corruption_error, "CORRUPTIONS", THREE)
    monkeypatch.setitem(parts._PUBLISHED, "corruptions", THREE)
    published = package.suites()["imagenet_c"].model_dump()
    known = dict(package.suites())
    known["small"] = Suite(**{**published, "name": "small", "stresses": THREE})
    monkeypatch.setattr(package, "suites", lambda: known)


@pytest.mark.usefixtures("small")
def test_stored_and_live_pictures_give_the_same_numbers(tmp_path: Path) -> None:
    pictures = f"imagefolder:{write_pictures(tmp_path / 'p', each=2, size=(300, 260))}"
    rw.make(list(THREE), pictures, tmp_path / "set", store="jpeg(quality=85)")
    net, stored = colour_net(size=224), f"imagenet_c:{tmp_path / 'set'}"
    there = found(rw.evaluate(net, pictures, "small", out=tmp_path / "live"))
    data = [f"{stored}(corruptions=[{', '.join(THREE)}])", pictures]
    run = rw.evaluate(net, data, "clean(frame=imagenet)", out=tmp_path / "stored")
    here = found(run, stored)
    compared = 0
    for (name, metric), row in here.items():
        if metric in ("ce", "relative_ce", "mce", "relative_mce", "mean_error"):
            live = there[name.replace("imagenet_c", "small"), metric]
            for key in ("value", "low", "high", "n"):
                assert row[key] == live[key], (name, metric)
            compared += row["value"] is not None
    assert compared == 3 * 2 + 3
    assert run.summary["unavailable"] == []


def test_cifar_has_its_mean_error_alone(tmp_path: Path) -> None:
    labels = np.array([0, 1, 2, 0])
    np.save(tmp_path / "labels.npy", np.tile(labels, 5))
    for place, name in enumerate(CORRUPTIONS):
        shown = np.tile(labels, 5)
        shown[: place % 3] = 1 + shown[: place % 3]  # so many wrong at severity 1 alone
        images = np.stack([solid(COLOURS[label], 32) for label in shown])
        np.save(tmp_path / f"{name}.npy", images)
    run = rw.evaluate(colour_net(), f"cifar_c:{tmp_path}(classes=3)", out=tmp_path / "out")
    rows = found(run, f"cifar_c:{tmp_path}(classes=3)")
    wrong = sum(place % 3 for place in range(15)) / (15 * 5 * 4)
    assert rows["cifar_c", "mean_error"]["value"] == pytest.approx(100 * wrong, rel=1e-6)
    assert not {metric for _, metric in rows} & {"ce", "mce", "relative_ce", "relative_mce"}
    assert run.summary["unavailable"] == []


def films(root: Path, side: int = 224) -> Mapping[str, float]:
    """Write ten films of five frames; returns the share of comparisons that are flips by name."""
    shares = {}
    for place, name in enumerate(PERTURBATIONS):
        shown = ["red"] * (5 - place % 4) + ["green"] * (place % 4)
        frames = [solid(colour, side) for colour in shown]
        film = store("mp4(preset=ultrafast)").encode(frames, False)
        for colour in COLOURS:
            (root / name / colour).mkdir(parents=True)
            (root / name / colour / "x.mp4").write_bytes(film)
        first = name in ("gaussian_noise", "shot_noise")
        shares[name] = (place % 4 if first else min(1, place % 4)) / 4
    return shares


def test_films_are_divided_by_those_of_the_baseline(tmp_path: Path) -> None:
    pytest.importorskip("av")
    shares = films(tmp_path / "films")
    run = rw.evaluate(colour_net(), f"imagenet_p:{tmp_path / 'films'}", out=tmp_path / "out")
    rows = found(run, f"imagenet_p:{tmp_path / 'films'}")
    known = load_baseline("alexnet-imagenet_p")
    rates = {n: 1e4 * share / known.flips[live_name(n)] for n, share in shares.items()}
    for name, value in rates.items():
        assert rows[name, "flip_rate"]["value"] == pytest.approx(value, rel=1e-6)
    mfr = rows["imagenet_p", "mfr"]
    assert mfr["value"] == pytest.approx(np.mean(list(rates.values())), rel=1e-6)
    assert mfr["n"] == 3
    plain = rows["imagenet_p", "flip_probability"]["value"]
    assert plain == pytest.approx(100 * np.mean(list(shares.values())), rel=1e-6)
    assert rows["imagenet_p", "t5d"]["value"] > 0
    assert run.rows()["frames_flip"].list.len().unique().to_list() == [4]
    hard = f"imagenet_p:{tmp_path / 'films'}(perturbations=tilt, difficulty=2)"
    two = rw.evaluate(colour_net(), hard, out=tmp_path / "two")
    assert found(two)["tilt", "flip_rate"]["value"] is None
    assert any("difficulty=2" in reason for reason in reasons(two))
    assert any("zoom_blur" in reason and "missing" in reason for reason in reasons(two))
    assert two.rows().filter(pl.col("frames_flip").list.len() != 3).is_empty()
