"""The probe hash: one for what is bit-identical, another for anything that moves a pixel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roadworthy.pipeline import probe
from roadworthy.pipeline.base import (
    Pipeline,
    decode,
    decode_hash,
    framed,
    probe_hash,
    resized,
)
from roadworthy.pipeline.integrity import check
from roadworthy.pipeline.recipe import stages_of
from roadworthy.pipeline.stages import find_decoder, resizer_names
from roadworthy.seed import digest
from roadworthy.types import Image

SMALL = Pipeline((32, 32))


def test_bit_identical_decoders_collapse() -> None:
    assert probe_hash(SMALL) == probe_hash(replace(SMALL, decoder="opencv"))
    assert probe_hash(Pipeline(None)) == probe_hash(Pipeline(None, decoder="opencv"))


def test_decoders_that_differ_at_even_sizes_alone_do_not_collapse() -> None:
    pytest.importorskip("av")
    one, other = (replace(SMALL, decoder=f"pyav-{name}") for name in ("bicubic", "accurate"))
    assert probe._charts_decoded(probe.decoding(one)) == probe._charts_decoded(
        probe.decoding(other)
    )
    assert probe_hash(one) != probe_hash(other)
    assert decode_hash(one) != decode_hash(other)


def test_every_resizer_has_its_own_hash() -> None:
    hashes = {probe_hash(replace(SMALL, resize=name)) for name in resizer_names()}
    assert len(hashes) == len(resizer_names())


def test_every_setting_counts() -> None:
    others = [
        replace(SMALL, orient="exif"),
        replace(SMALL, geometry="squash"),
        replace(SMALL, crop=0.9),
        replace(SMALL, resize_to=40),
        replace(SMALL, size=(32, 33)),
        replace(SMALL, size=None),
    ]
    assert len({probe_hash(p) for p in [SMALL, *others]}) == len(others) + 1


def test_without_a_frame_the_resizer_plays_no_part() -> None:
    assert probe_hash(Pipeline(None)) == probe_hash(Pipeline(None, resize="opencv-area"))


@pytest.mark.parametrize("chart", [name for name, _ in probe.charts()])
def test_one_level_in_one_pixel_of_one_chart_counts(
    chart: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, decoded_before = probe_hash.__wrapped__(SMALL), decode_hash(SMALL)
    (changed,) = (data for name, data in probe.charts() if name == chart)
    real = find_decoder("pillow")
    stripped: bytes = check(changed, name="x").pixels

    def nudged(data: bytes) -> Image:
        image = np.array(real.function(data))
        if data == stripped:
            image[3, 4, 1] ^= 1
        return image

    stages = stages_of(SMALL)._replace(decoder=replace(real, function=nudged))
    monkeypatch.setattr("roadworthy.pipeline.steps.stages_of", lambda _: stages)
    monkeypatch.setattr(probe, "_charts_decoded", probe._charts_decoded.__wrapped__)
    assert probe_hash.__wrapped__(SMALL) != before
    assert decode_hash.__wrapped__(SMALL) != decoded_before


def test_the_hash_is_composed_as_it_always_was() -> None:
    """Records of earlier runs are found by it: what is added later counts only where it is used."""
    charts = [decode(data, SMALL, name="x") for _, data in probe.charts()]
    frames = [framed(resized(c, SMALL), SMALL).tobytes() for c in probe._sizes(SMALL)]
    named = ["ignore", 1, "ignore", 1, "rgb", 1]
    resize = ["pillow", "bilinear", 1, "crop", 1, 0, 1.0, (32, 32), 0.875, None]
    decoded = [digest(chart.shape, chart.tobytes()) for chart in charts]
    assert probe_hash(SMALL) == digest("probe", 1, 1, *named, *decoded, *resize, *frames)


def test_a_new_version_of_a_stage_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before, stages = probe_hash.__wrapped__(SMALL), stages_of(SMALL)
    for name in ("decoder", "orient", "profile", "resizer", "geometry", "colour"):
        newer = stages._replace(**{name: replace(getattr(stages, name), version=2)})
        monkeypatch.setattr(probe, "stages_of", lambda _, newer=newer: newer)
        assert probe_hash.__wrapped__(SMALL) != before


def test_a_resize_that_moves_one_pixel_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before, stages = probe_hash.__wrapped__(SMALL), stages_of(SMALL)
    real: Callable[..., Image] = stages.resizer.function

    def nudged(image: Image, size: tuple[int, int], kernel: str) -> Image:
        result = np.array(real(image, size, kernel))
        result[size[0] // 2, size[1] // 2] ^= 1
        return result

    changed = stages._replace(resizer=replace(stages.resizer, function=nudged))
    monkeypatch.setattr("roadworthy.pipeline.steps.stages_of", lambda _: changed)
    assert probe_hash.__wrapped__(SMALL) != before


def test_the_hash_is_the_same_in_another_process_and_costs_no_torch() -> None:
    code = (
        "import sys; from roadworthy.pipeline.base import Pipeline, probe_hash, validate\n"
        "assert 'cv2' not in sys.modules and 'PIL' not in sys.modules\n"
        "print(probe_hash(Pipeline((32, 32)))); assert 'torch' not in sys.modules"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == probe_hash(SMALL)


@pytest.mark.shared
def test_real_photographs_are_read_as_torchvision_reads_them(shared: Path) -> None:
    import io

    from PIL import Image as PillowImage
    from torchvision.transforms import CenterCrop, Compose, Resize

    loader = Compose([Resize(256), CenterCrop(224)])
    pipeline = Pipeline((224, 224))
    for path in sorted((shared / "data/imagenet_sample/images").iterdir())[::12]:
        data = path.read_bytes()
        image = decode(data, pipeline, name=path.name)
        assert np.array_equal(image, decode(data, replace(pipeline, decoder="opencv"), name="x"))
        with PillowImage.open(io.BytesIO(data)) as picture:
            want = np.asarray(loader(picture.convert("RGB")))
        assert np.array_equal(framed(resized(image, pipeline), pipeline), want)
