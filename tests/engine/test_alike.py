"""What reads files alike, bit for bit, is decoded and judged once, and the numbers say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS, ColourNet
from PIL import Image
from pipeline_files import mutated
from torch import Tensor

import roadworthy as rw
from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.report.html import render
from roadworthy.report.table import lines
from roadworthy.types import Classes, Classifier

LIBJPEG_TURBO = ["pillow", "opencv", "torchvision", "simplejpeg", "imagecodecs"]
OTHERS = ["simplejpeg-ifast", "simplejpeg-no-fancy", "pyav", "jpeglib-9f", "kornia-rust"]
STAR = f"decoder(decode=[{', '.join([*LIBJPEG_TURBO, *OTHERS])}])"
EACH = 3
IMAGES = EACH * len(COLOURS)


class Counted(ColourNet):
    """The network of mean colours; ``seen`` counts images by the size of their frames."""

    seen: ClassVar[Counter[int]] = Counter()  # models are copies of what is wrapped

    def forward(self, x: Tensor) -> Tensor:
        self.seen[x.shape[2]] += len(x)
        return super().forward(x)


def counted(**options: object) -> Classifier:
    given = {"size": 16, "name": "colours", "classes": Classes(3, COLOURS), **options}
    model = rw.wrap(Counted(), **given)  # type: ignore[arg-type]
    Counted.seen.clear()
    return model


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Return pictures whose chroma changes from pixel to pixel, as JPEGs with 4:2:0."""
    rng = np.random.default_rng(3)
    for index, colour in enumerate(COLOURS):
        (tmp_path / "pictures" / colour).mkdir(parents=True)
        for number in range(EACH):
            pixels = rng.integers(40, 200, (24, 30, 3))
            pixels[..., index] += 8 * number
            picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            picture.save(tmp_path / "pictures" / colour / f"{number}.jpg", subsampling=2)
    return f"imagefolder:{tmp_path / 'pictures'}"


def of(run: rw.Run, stress: str) -> pl.DataFrame:
    return run.rows().filter(pl.col("stress") == stress).sort("variant", "sample")


def variants(run: rw.Run, stress: str) -> list[str]:
    return of(run, stress)["variant"].unique(maintain_order=True).to_list()


def same(run: rw.Run) -> list[tuple[str, Sequence[str], bool]]:
    return [(e["variant"], e["same"], e["clean"]) for e in run.summary["run"]["alike"]]


def test_ten_decoders_of_six_kinds_are_six_decodes_and_six_passes(
    data: str, tmp_path: Path
) -> None:
    model = counted()
    run = rw.evaluate(model, data, STAR, out=tmp_path / "out", batch_size=8)
    assert run.runs[-1]["decodes"] == 6 * IMAGES
    assert Counted.seen[16] == 6 * IMAGES
    assert variants(run, STAR) == sorted(["decode=pillow", *(f"decode={name}" for name in OTHERS)])
    assert same(run) == [("decode=pillow", [f"decode={n}" for n in LIBJPEG_TURBO[1:]], True)]
    usual = run.rows().filter(pl.col("stress") == "clean").sort("sample")
    alone = of(run, STAR).filter(pl.col("variant") == "decode=pillow")
    for column in ("pred", "conf", "margin", "loss", "pipeline"):
        assert alone[column].to_list() == usual[column].to_list()
    another = of(run, STAR).filter(pl.col("variant") == "decode=pyav")
    assert another["conf"].to_list() != usual["conf"].to_list()
    assert set(another["pipeline"]) == {"pipeline(size=16, decoder=pyav, crop=1.0)"}


def test_the_rows_say_what_they_stand_for(data: str, tmp_path: Path) -> None:
    asked = "decoder(decode=[kornia-turbo, opencv, pyav])"
    run = rw.evaluate(counted(), data, asked, out=tmp_path / "out")
    said = "decoder: decode=kornia-turbo stands for decode=opencv as well: the same pixels, decoded and "
    assert f"{said}judged once; it reads files as the model itself does" in lines(run.summary)
    page = render(run, images=0)
    assert "decode=kornia-turbo stands for decode=opencv as well" in page
    drops = {r["variant"]: r for r in run.summary["rows"] if r["metric"] == "drop"}
    assert drops["decode=kornia-turbo"]["value"] == 0.0


def test_whoever_stands_for_a_kind_is_shared_with_clean(data: str, tmp_path: Path) -> None:
    model = counted(decoder="opencv")
    asked = "decoder(decode=[simplejpeg, pillow, pyav])"
    run = rw.evaluate(model, data, asked, out=tmp_path / "out")
    assert run.runs[-1]["decodes"] == Counted.seen[16] == 2 * IMAGES
    assert same(run) == [("decode=simplejpeg", ["decode=pillow"], True)]
    rows = of(run, asked).filter(pl.col("variant") == "decode=simplejpeg")
    assert set(rows["pipeline"]) == {"pipeline(size=16, decoder=opencv, crop=1.0)"}


def test_stresses_of_other_names_share_what_one_of_them_read(data: str, tmp_path: Path) -> None:
    model = counted()
    asked = [
        "decoder(decode=[pyav, pillow])",
        "decoder(decode=[simplejpeg, simplejpeg-ifast, pyav])",
        "stack(decoder(decode=pyav))",
        "stack(decoder(decode=opencv), resizer(resize=pillow-box))",
        "resizer(resize=[pillow-box, pillow-bilinear])",
    ]
    run = rw.evaluate(model, data, asked, out=tmp_path / "out")
    assert run.runs[-1]["decodes"] == 3 * IMAGES  # as clean, by pyav and by ifast
    assert Counted.seen[16] == 4 * IMAGES  # these, and boxes
    seen = [of(run, asked[i]).filter(pl.col("variant") != "decode=pillow") for i in (0, 1, 2)]
    rows = [f.filter(~pl.col("variant").str.contains("simplejpeg")) for f in seen]
    assert [f["conf"].to_list() for f in rows[1:]] == [rows[0]["conf"].to_list()] * 2


def test_what_changes_the_network_too_is_judged(data: str, tmp_path: Path) -> None:
    model = counted()
    asked = "stack(decoder(decode=opencv), precision(dtype=bf16))"
    run = rw.evaluate(model, data, asked, out=tmp_path / "out")
    usual = run.rows().filter(pl.col("stress") == "clean").sort("sample")
    assert of(run, asked)["conf"].to_list() != usual["conf"].to_list()
    assert run.runs[-1]["decodes"] == IMAGES
    assert same(run) == []


def test_without_a_frame_every_resizer_is_the_same(data: str, tmp_path: Path) -> None:
    model = counted(size=None)
    asked = "resizer(resize=[opencv-area, pillow-box, pillow-bilinear])"
    run = rw.evaluate(model, data, asked, out=tmp_path / "out")
    assert Counted.seen == {24: IMAGES}
    assert variants(run, asked) == ["resize=opencv-area"]


def test_models_that_name_the_same_decoder_differently_share_what_was_decoded(
    data: str, tmp_path: Path
) -> None:
    models = [counted(name="one"), counted(name="other", decoder="opencv", orient="exif")]
    run = rw.evaluate(models, data, "clean", out=tmp_path / "out")
    assert run.runs[-1]["decodes"] == IMAGES


def test_models_with_frames_of_their_own_collapse_each_for_itself(
    data: str, tmp_path: Path
) -> None:
    small, large = counted(name="small"), counted(size=20, name="large")
    asked = "decoder(decode=[opencv, pillow, pyav])"
    run = rw.evaluate([small, large], data, asked, out=tmp_path / "out")
    assert run.runs[-1]["decodes"] == 2 * IMAGES
    assert Counted.seen == {16: 2 * IMAGES, 20: 2 * IMAGES}
    assert same(run) == [("decode=opencv", ["decode=pillow"], True)] * 2


def test_a_file_that_one_library_cannot_read_is_a_failed_sample_by_name(
    data: str, tmp_path: Path
) -> None:
    file = tmp_path / "pictures" / "red" / "0.jpg"
    rng, whole = np.random.default_rng(0), file.read_bytes()
    tries = (mutated([whole], rng) for _ in range(2000))
    file.write_bytes(
        next(t for t in tries if read_by("pillow", t) and not read_by("kornia-rust", t))
    )
    asked = "decoder(decode=[pillow, kornia-rust])"
    run = rw.evaluate(counted(), data, asked, out=tmp_path / "out")
    rows = of(run, asked)
    failed = rows.filter(pl.col("status") == "failed")
    assert failed["sample"].to_list() == ["red/0.jpg"]
    assert "kornia-rust cannot decode it" in failed["reason"][0]
    assert rows.filter(pl.col("status") == "ok")["sample"].n_unique() == IMAGES - 1
    usual = run.rows().filter(pl.col("stress") == "clean")
    assert set(usual["status"]) == {"ok"}


def read_by(decoder: str, data: bytes) -> bool:
    try:
        decode(data, Pipeline(None, decoder=decoder), name="x")
    except SampleError:
        return False
    return True


def test_the_same_command_again_does_nothing(data: str, tmp_path: Path) -> None:
    for _ in range(2):
        model = counted()
        run = rw.evaluate(model, data, STAR, out=tmp_path / "out")
    assert run.runs[-1]["decodes"] == run.runs[-1]["parts_written"] == Counted.seen[16] == 0
    assert len(same(run)) == 1


def test_a_dry_run_counts_what_would_be_judged(data: str, tmp_path: Path) -> None:
    from roadworthy.engine.cost import estimate
    from roadworthy.engine.options import Options
    from roadworthy.evaluation import prepare

    options = Options()
    planned = prepare(counted(), data, STAR, options).plan
    costs = {cell.stress: cell.forwards for cell in estimate(planned, options, None).cells}
    assert costs == {"clean": 1, STAR: 5}
