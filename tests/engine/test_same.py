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
