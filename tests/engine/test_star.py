"""A star of pipelines: each image is decoded once for each kind of decoder, and clean is judged once."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
from engine_world import COLOURS, ColourNet
from PIL import Image
from torch import Tensor

import roadworthy as rw
from roadworthy.pipeline.base import Pipeline, decode_hash
from roadworthy.suites.reading import decoders, resizers
from roadworthy.types import Classes

EACH = 3
IMAGES = EACH * len(COLOURS)


class Counted(ColourNet):
    """The network of mean colours, which counts the images it sees."""

    seen: ClassVar[Counter[str]] = Counter()

    def forward(self, x: Tensor) -> Tensor:
        self.seen["images"] += len(x)
        return super().forward(x)


def test_a_star_of_twenty_five_pipelines(tmp_path: Path) -> None:
    """Every decoder and a resizer of each kind: as many decodes as there are kinds of decoders."""
    rng = np.random.default_rng(2)
    for index, colour in enumerate(COLOURS):
        (tmp_path / "pictures" / colour).mkdir(parents=True)
        for number in range(EACH):
            pixels = rng.integers(60, 160, (30, 34, 3))
            pixels[..., index] += 10 * number
            buffer = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", subsampling=2)
            (tmp_path / "pictures" / colour / f"{number}.jpg").write_bytes(buffer.getvalue())
    model = rw.wrap(Counted(), size=16, name="colours", classes=Classes(3, COLOURS))
    Counted.seen.clear()
    run = rw.evaluate(
        model,
        f"imagefolder:{tmp_path / 'pictures'}",
        "imagenet_s",
        out=tmp_path / "r",
        batch_size=9,
    )
    kinds = {decode_hash(Pipeline(None, decoder=name)) for name in decoders("kinds")}
    pipelines = len(kinds) - 1 + len(resizers("kinds")) - 1  # without the model's own
    assert pipelines >= 25
    assert run.runs[-1]["decodes"] == len(kinds) * IMAGES
    assert Counted.seen["images"] == (1 + pipelines) * IMAGES
    (found,) = run.summary["systematic"]
    assert len(found["pipelines"]) == pipelines
    twins = {pair["stress"] for pair in found["same"]}
    own = {"decoder(decode=pillow)", "decoder(decode=opencv)", "resizer(resize=pillow-bilinear)"}
    assert own <= twins
    assert len(twins) == len(decoders("kinds")) - len(kinds) + 2
