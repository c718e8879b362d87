"""Ways to read files that give the same pixels are judged once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from engine_world import colour_net
from PIL import Image

import roadworthy as rw
from roadworthy.engine.same import Twins
from roadworthy.pipeline import backend, recipe
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.published import published
from roadworthy.stress.bound import stress

OWN = Pipeline(size=(16, 16))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of JPEGs, which decoders may read differently."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for index, colour in enumerate(("red", "green", "blue")):
        (folder / colour).mkdir()
        for number in range(4):
            pixels = rng.integers(0, 200, (40, 36, 3))
            pixels[..., index] += 55
            buffer = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", subsampling="4:2:0")
            (folder / colour / f"{number}.jpg").write_bytes(buffer.getvalue())
    return folder


def of(run: rw.Run) -> dict[str, str]:
    return {pair["stress"]: pair["like"] for pair in run.summary["same"]}


MEMBERS = "imagenet_s(decoder=[opencv, torchvision, pyav])"


def test_a_member_like_the_models_own_has_no_results(photos: Path, tmp_path: Path) -> None:
    """OpenCV and torchvision decode as Pillow does; asked for by themselves they have."""
    data = f"imagefolder:{photos}"
    run = rw.evaluate(colour_net(), data, MEMBERS, out=tmp_path)
    like = {f"decoder(decode={name})": "clean" for name in ("opencv", "torchvision")}
    assert of(run) == like
    assert run.rows()["stress"].unique().sort().to_list() == ["clean", "decoder(decode=pyav)"]
    about = run.runs[-1]
    assert about["decodes"] == 2 * 12
    assert about["same"] == [
        {"data": data, "model": "colours", "stress": stress, "like": "clean"} for stress in like
    ]
    again = rw.evaluate(colour_net(), data, [MEMBERS, "decoder(decode=opencv)"], out=tmp_path)
    assert of(again) == {"decoder(decode=torchvision)": "clean"}
    assert "decoder(decode=opencv)" in set(again.rows()["stress"])


def test_twins_are_told_by_what_they_read() -> None:
    """As clean or as an earlier stress, in the same frame; what changes the network is no twin."""
    texts = [
        "resizer(resize=pillow-bilinear)",
        "resizer(resize=opencv-area)",
        "stack(decoder(decode=opencv), resizer(resize=opencv-area))",
        "stack(decoder(decode=opencv), precision(dtype=bf16))",
        "resizer(resize=[opencv-area, opencv-linear])",
        "fog(severity=1)",
    ]
    members = {stress(text).digest for text in texts}
    twins = Twins(members)
    found = {text: twins.has(stress(text), "data", "model", OWN) for text in texts}
    assert [text for text, twin in found.items() if twin] == [texts[0], texts[2]]
    assert [(one.stress, one.like) for one in twins.found] == [
        (texts[0], "clean"),
        (texts[2], texts[1]),
    ]
    assert not twins.has(stress(texts[1]), "data", "another model", OWN)
    assert not Twins(()).has(stress(texts[0]), "data", "model", OWN)
    framed = stress("resizer(resize=pillow-bilinear, frame=squash256)")
    other = Twins({framed.digest})
    assert other.has(framed, "data", "model", published("squash256", OWN))
    assert other.found[0].like == "clean(frame=squash256)"


def test_a_plan_of_twins_alone_is_no_mistake(photos: Path, tmp_path: Path) -> None:
    """Everything asked for reads as the model does: there is clean, and what is like it."""
    run = rw.evaluate(
        colour_net(), f"imagefolder:{photos}", "imagenet_s(decoder=opencv)", out=tmp_path
    )
    assert of(run) == {"decoder(decode=opencv)": "clean"}
    assert run.rows()["stress"].unique().to_list() == ["clean"]


def test_a_twin_in_another_suite_counts_in_both(photos: Path, tmp_path: Path) -> None:
    """Pairs with the model's own decoder are a star's resizers: judged once, and part of the grid."""
    star = "imagenet_s(resize=[opencv-area, pillow-box])"
    grid = "imagenet_s(decoder=[pillow, pyav], resize=[opencv-area, pillow-box])"
    run = rw.evaluate(colour_net(), f"imagefolder:{photos}", [star, grid], out=tmp_path)
    pairs = [
        f"stack(decoder(decode=pillow), resizer(resize={r}))" for r in ("opencv-area", "pillow-box")
    ]
    assert of(run) == {
        pairs[0]: "resizer(resize=opencv-area)",
        pairs[1]: "resizer(resize=pillow-box)",
    }
    found = {one["suite"]: one["pipelines"] for one in run.summary["systematic"]}
    assert [p["stress"] for p in found[star]] == list(of(run).values())
    assert len(found[grid]) == 4
    drops = {p["stress"]: p["drop"] for one in found.values() for p in one}
    assert drops[pairs[1]] == drops["resizer(resize=pillow-box)"]
    rows = {r["stress"]: r for r in run.summary["rows"] if r["metric"] == "pipeline_mean"}
    mean = np.mean([r["value"] for r in _top1(run, ["clean", *of(run).values()])])
    assert rows[star]["value"] == pytest.approx(mean)


def _top1(run: rw.Run, stresses: list[str]) -> list[dict[str, float]]:
    found = run.summary["rows"]
    return [r for r in found if r["metric"] == "top1" and r["stress"] in stresses]


def test_what_a_machine_lacks_is_a_row_beside_the_others(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg is not installed: its pipelines are n/a with the extra, the rest of the suite runs."""
    real = backend._missing
    suite = "imagenet_s(decoder=[pyav-bicubic, jpeglib-9f])"
    with monkeypatch.context() as patched:
        patched.setattr(backend, "_missing", lambda m: "not installed" if m == "av" else real(m))
        recipe.stages_of.cache_clear()
        run = rw.evaluate(colour_net(), f"imagefolder:{photos}", suite, out=tmp_path)
    recipe.stages_of.cache_clear()
    (absent,) = run.summary["unavailable"]
    assert absent["stress"] == "decoder(decode=pyav-bicubic)"
    assert "pip install 'roadworthy[decoders]'" in absent["reason"]
    (found,) = run.summary["systematic"]
    assert [p["stress"] for p in found["pipelines"]] == ["decoder(decode=jpeglib-9f)"]
    again = rw.evaluate(colour_net(), f"imagefolder:{photos}", suite, out=tmp_path)
    assert again.runs[-1]["unavailable"] == []
    assert len(again.summary["systematic"][0]["pipelines"]) == 2
