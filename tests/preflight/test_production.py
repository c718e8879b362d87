"""Images that nobody has labelled: what they look like, what changes, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageFilter
from production_world import SIDE, Tiny, drawn, encoded, noisy, tiny, written
from scipy import special as scipy_special
from test_check_pipelines import NETWORK, called
from torch import Tensor

import roadworthy as rw
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.load import load
from roadworthy.models.silent import silent
from roadworthy.pipeline.base import Pipeline, run
from roadworthy.preflight import api
from roadworthy.preflight.production import examine as examining
from roadworthy.preflight.production import likeness as matching
from roadworthy.preflight.production.flips import flips_of, images_at_once, options_of
from roadworthy.preflight.production.gathered import facts_of
from roadworthy.preflight.production.likeness import likeness
from roadworthy.preflight.production.looks import compression_like, files_of
from roadworthy.preflight.production.measures import measures_of
from roadworthy.preflight.production.opened import open_unlabelled
from roadworthy.preflight.production.printed import printed
from roadworthy.preflight.production.report import Production
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress
from roadworthy.types import Image

FEW = (
    *("gaussian_noise", "impulse_noise", "gaussian_blur", "motion_blur"),
    *("jpeg_compression", "pixelate", "brightness", "contrast"),
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Match to eight corruptions instead of all, and make each of some frames once."""
    chosen = [stress(f"{name}(severity=1..5)") for name in FEW]
    monkeypatch.setattr(matching, "corruptions", lambda: iter(chosen))
    monkeypatch.setattr(matching, "_vectors", remembered)


MADE: dict[bytes, list[tuple[str, int, Any]]] = {}
VECTORS = matching._vectors


def remembered(frames: Sequence[Image]) -> list[tuple[str, int, Any]]:
    key = b"".join(frame.tobytes() for frame in frames)
    if key not in MADE:
        MADE[key] = list(VECTORS(frames))
    return MADE[key]


def seen(pictures: tuple[Image, ...]) -> list[Any]:
    return [measures_of(picture) for picture in pictures]


@pytest.mark.parametrize("spec", [f"{name}(severity=4)" for name in FEW])
def test_each_corruption_is_known_again_on_other_pictures(spec: str, few: None) -> None:
    one = stress(spec)
    made = tuple(
        corrupted(one, one.settings[0], picture, sample=f"p{i}", seed=1)
        for i, picture in enumerate(drawn(12, 24))
    )
    found = likeness(seen(made), seen(drawn(0, 12)), drawn(0, 3))
    assert found is not None
    assert found.nearest is not None
    assert one.name in [c.name for c in (found.nearest, *found.as_near)]
    best = found.preferring(one.name).nearest
    assert best is not None
    assert best.name == one.name
    if one.name != "jpeg_compression":  # qualities 65 to 40 make much the same of these pictures
        assert abs(best.severity - 4) <= 2
    assert best.explained > 0.6


def test_what_has_not_moved_looks_like_nothing(few: None) -> None:
    for here in (drawn(0, 12), drawn(12, 24)):
        found = likeness(seen(here), seen(drawn(0, 12)), drawn(0, 3))
        assert found is not None
        assert (found.shifted, found.nearest) == (False, None)


def test_what_no_corruption_does_is_said_to_be_that(few: None) -> None:
    turned = tuple(np.ascontiguousarray(255 - picture // 3) for picture in drawn(0, 12))
    found = likeness(seen(turned), seen(drawn(0, 12)), drawn(0, 3))
    assert found is not None
    assert (found.shifted, found.nearest) == (True, None)
    assert likeness(seen(turned)[:5], seen(turned), turned) is None  # too few to say anything


def test_the_nearest_severity_by_the_tables() -> None:
    picture = drawn(0, 1)[0]

    def like(quality: int, usual: int | None = 95) -> str | None:
        sides = [
            None
            if q is None
            else files_of([facts_of(encoded(picture, "JPEG", quality=q), picture)])
            for q in (quality, usual)
        ]
        assert sides[0] is not None
        return compression_like(sides[0], sides[1], 224)

    assert like(30) == like(25) == "jpeg_compression(severity=1)"
    assert like(10) == "jpeg_compression(severity=4)"
    assert like(7) == like(3) == "jpeg_compression(severity=5)"
    assert like(85) is None
    assert like(95) is None
    assert like(30, usual=30) is None
    assert like(30, usual=None) == "jpeg_compression(severity=1)"
    lossless = files_of([facts_of(encoded(picture), picture)])
    assert compression_like(lossless, None, 224) is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("production")
    written(place / "reference", drawn(0, 8), "JPEG", quality=95, subsampling=0)
    written(place / "jpeg", drawn(0, 8), "JPEG", quality=25)
    written(place / "noise", tuple(map(noisy(20), drawn(0, 8))))
    return place


def checked(data: str, reference: str | None = None, **more: Any) -> Production:
    found = api.check(tiny(), data, unlabelled=True, reference=reference, **more)
    assert isinstance(found, Production)
    return found


def test_compressed_files_look_like_it(folder: Path, few: None) -> None:
    found = checked(f"imagefolder:{folder}/jpeg", f"imagefolder:{folder}/reference")
    assert found.looks.compression == "jpeg_compression(severity=5)"  # 25 at frames of 64 pixels
    assert found.looks.files is not None
    assert found.looks.files.nearest is not None
    assert found.looks.files.nearest.name == "jpeg_compression"
    assert "looks like jpeg_compression(severity=5): the quantisation tables" in printed(found)
    assert (found.looks.production.quality, found.looks.production.chroma) == (25, {"4:2:0": 100})
    assert found.exit_code == 0
    json.dumps(found.as_dict(), allow_nan=False)
    assert max(map(len, printed(found).replace(str(folder), "").splitlines())) <= 100


def test_noisy_files_look_like_it_and_clean_ones_like_nothing(folder: Path, few: None) -> None:
    reference = f"imagefolder:{folder}/reference"
    found = checked(f"imagefolder:{folder}/noise", reference)
    assert {spec.partition("(")[0] for spec in found.looks.stresses} == {"gaussian_noise"}
    assert found.looks.production.noise > found.looks.reference.noise + 5  # type: ignore[union-attr]
    assert found.flips is not None
    assert all(row.untouched for row in found.flips.options if row.factor == "decode")  # PNG files
    assert any(not row.untouched for row in found.flips.options)
    assert "these change nothing of any image:\n  decoder(decode=" in printed(found)
    assert "made of 12 images of the reference" in printed(found)
    same = checked(reference, reference)
    assert "made of" not in printed(same)
    assert same.looks.stresses == ()
    assert same.drift is not None
    assert (same.drift.distance, same.drift.difference, same.drift.drifted) == (0, 0, False)
    assert same.shared == 32
    assert "nothing has moved beyond chance" in printed(same)


def test_files_of_another_size_are_said_to_be_that(folder: Path, few: None) -> None:
    large = tuple(cv2.resize(p, (128, 128)) for p in drawn(0, 3))
    data = written(folder / "large", large)
    found = checked(data, f"imagefolder:{folder}/reference")
    assert "sizes differ: 128x128 pixels against 64x64" in printed(found)
    assert found.looks.files is None
    alone = checked(data)
    assert alone.drift is None
    assert "give --reference DATA" in printed(alone)


def test_flips_are_those_of_predictions(folder: Path) -> None:
    from roadworthy.preflight.production.examine import _judge

    data = open_unlabelled(f"imagefolder:{folder}/noise")
    model = tiny()
    model = replace(model, pipeline=Pipeline((48, 48)))
    found = flips_of(_judge(model, data, "cpu"), data.samples)
    assert found is not None

    def predictions(pipeline: Pipeline) -> list[int]:
        frames = np.stack([run(data.read(s), pipeline, name=s.id) for s in data.samples])
        x = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
        with torch.inference_mode():
            return model.logits(x.contiguous(memory_format=torch.channels_last)).argmax(1).tolist()  # type: ignore[no-any-return]

    mute = flips_of(_judge(silent(model, "labels"), data, "cpu"), data.samples)
    assert mute is not None
    assert [row.flips for row in mute.options] == [row.flips for row in found.options]
    assert {row.kl for row in mute.options} == {None}
    assert any(row.kl for row in found.options)

    own = predictions(model.pipeline)
    options = {o.spec: o for o in options_of(model)[0]}
    rows = {row.spec: row for row in found.options}
    differing = [np.zeros(len(own), bool)]
    for spec, option in options.items():
        if option.pipeline is not None:
            changed = np.array(own) != np.array(predictions(option.pipeline))
            assert rows[spec].flips.rate == pytest.approx(100 * changed.mean()), spec
            differing += [changed] if option.factor in ("decode", "resize") else []
    assert sum(map(np.sum, differing)) > 5  # else this shows nothing
    suite = found.suites[0]
    assert suite.name == "imagenet_s"
    assert suite.options == len(differing) - 1
    assert suite.agreement.rate == pytest.approx(100 * (~np.any(differing, axis=0)).mean())
    assert suite.flips == pytest.approx(100 * np.mean(differing[1:]))
    assert not any("opencv)" in spec for spec in options)  # decodes as Pillow does


def test_blocks_are_small_where_frames_are_large() -> None:
    assert images_at_once(Pipeline((32, 32)), 27) == 64
    assert images_at_once(Pipeline((224, 224)), 27) == 16
    assert images_at_once(Pipeline((1200, 1600)), 27) == 4


def test_a_broken_file_is_counted_and_named(folder: Path, few: None, tmp_path: Path) -> None:
    data = written(tmp_path / "broken", drawn(0, 3))
    (tmp_path / "broken" / "bad.png").write_bytes(b"\x89PNG no more")
    found = checked(data, f"imagefolder:{folder}/reference")
    assert (found.asked, len(found.failures)) == (13, 1)
    assert "12 of 13 images read" in printed(found)
    assert "bad.png" in printed(found)
    assert found.exit_code == 0
    assert found.flips is not None
    assert all(row.flips.n == 12 for row in found.flips.options)


class Dark(Tiny):
    """Answers with NaN to the darker pictures, or to all."""

    def __init__(self, below: float) -> None:
        super().__init__()
        self.below = below

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x)
        return torch.where(x.mean((1, 2, 3))[:, None] < self.below, torch.nan, found)


def test_answers_that_are_not_finite_have_no_confidence(folder: Path, few: None) -> None:
    data = open_unlabelled(f"imagefolder:{folder}/noise")
    means = [run(data.read(s), tiny().pipeline, name=s.id).mean() / 255 for s in data.samples]
    below = float(np.median(means)) + 1e-4
    dark = sum(mean < below for mean in means)
    model = rw.wrap(Dark(below), size=SIDE, name="dark")
    spec = f"imagefolder:{folder}/noise"
    found = api.check(model, spec, unlabelled=True, reference=f"imagefolder:{folder}/reference")
    assert isinstance(found, Production)
    assert found.drift is not None
    assert (found.drift.n, found.drift.n + dark) == (len(means) - dark, len(means))
    assert found.drift.mean > 25  # of five classes: none of them is a softmax of nothing
    said = f"answers {dark} of {len(means)} images with NaN"
    assert any(said in note for note in found.notes)
    assert said in printed(found).replace("\n      ", " ")
    json.dumps(found.as_dict(), allow_nan=False)
    with pytest.raises(RoadworthyError, match=r"answers every image of .* with NaN"):
        api.check(rw.wrap(Dark(2.0), size=SIDE, name="dark"), spec, unlabelled=True)


def test_folders_with_and_without_classes_are_the_same_images(folder: Path, tmp_path: Path) -> None:
    for number, picture in enumerate(drawn(0, 2)):
        place = tmp_path / "nested" / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(encoded(picture))
    flat = written(tmp_path / "flat", drawn(0, 2))
    nested = f"imagefolder:{tmp_path}/nested"
    both = [open_unlabelled(text) for text in (flat, nested)]
    assert [len(each.samples) for each in both] == [8, 8]
    assert {s.content for s in both[0].samples} == {s.content for s in both[1].samples}
    with pytest.raises(UsageError, match="no class folders"):
        open_data(flat)


def test_what_cannot_be_asked_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    network = tmp_path / "network.py"
    network.write_text(NETWORK)
    model = ("-m", f"torch:{network}:network(size={SIDE})")
    data = ("-d", f"imagefolder:{folder}/jpeg")
    for arguments, said in (
        (
            (*model, "-d", f"imagefolder:{tmp_path}/empty", "--unlabelled"),
            "no images in this folder",
        ),
        ((*model, "-d", f"imagefolder:{tmp_path}/nowhere", "--unlabelled"), "nowhere"),
        ((*model, *data, "--unlabelled", "--reference", "imagefolder:nowhere"), "nowhere"),
        ((*model, *data, "--reference", f"imagefolder:{folder}/jpeg"), "give --unlabelled"),
        ((*model, *data, "--unlabelled", "--max-drop", "1"), "without labels there is no drop"),
        ((*model, "--unlabelled"), "--unlabelled is about images"),
        ((*data, "--unlabelled"), "give both, -m MODEL and -d DATA"),
        ((*model, "-d", f"imagefoldr:{folder}/jpeg", "--unlabelled"), "did you mean 'imagefolder'"),
    ):
        code, _, err = called(*arguments, capsys=capsys)
        assert (code, said in err) == (2, True), (arguments, err)
        assert "Traceback" not in err
    (tmp_path / "empty" / "bad.png").write_bytes(b"\x89PNG")
    code, _, err = called(
        *model, "-d", f"imagefolder:{tmp_path}/empty", "--unlabelled", capsys=capsys
    )
    assert (code, "no image of" in err) == (2, True)


def test_artefacts_and_deployments_without_labels(folder: Path, few: None) -> None:
    data = f"imagefolder:{folder}/noise"
    model = tiny()
    grey = replace(model, pipeline=replace(model.pipeline, colour="grey"))
    found = api.check(model, data, against=grey, unlabelled=True)
    assert found.as_dict()["prices"]["labelled"] is False
    assert found.as_dict()["diverges"] == "colour"
    other = api.check(
        model,
        data,
        deployment=f"pipeline(size={SIDE}, crop=1.0, colour=grey)",
        unlabelled=True,
        max_drop=100,
    )
    assert other.as_dict()["prices"]["labelled"] is False
    assert other.exit_code == 0


PHOTOGRAPHS = 40


@pytest.fixture(scope="module")
def photographs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of photographs as they are, compressed, noisy and blurred."""
    place = tmp_path_factory.mktemp("photographs")
    for file in sorted((shared / "data/imagenet_sample/images").iterdir())[:PHOTOGRAPHS]:
        picture = PillowImage.open(file).convert("RGB")
        changed: dict[str, tuple[PillowImage.Image, dict[str, Any]]] = {
            "clean": (picture, {"quality": 95, "subsampling": 0}),
            "jpeg": (picture, {"quality": 30}),
            "noise": (PillowImage.fromarray(noisy(20)(np.asarray(picture))), {}),
            "blur": (picture.filter(ImageFilter.GaussianBlur(2)), {"quality": 95}),
        }
        for name, (made, options) in changed.items():
            (place / name).mkdir(exist_ok=True)
            made.save(place / name / (file.stem + (".jpg" if options else ".png")), **options)
    return place


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.slow
def test_photographs_from_production(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What changes is asked below, of few images: it takes most of the time, and is about none of this.
    monkeypatch.setattr(examining, "flips_of", lambda *_: None)
    monkeypatch.setattr(matching, "_vectors", remembered)  # one reference for all: made once
    network = load("demo/efficientnet_lite0")
    found: dict[str, Production] = {}
    for name in ("clean", "jpeg", "noise", "blur"):
        data, reference = (f"imagefolder:{photographs}/{part}" for part in (name, "clean"))
        report = api.check(network, data, unlabelled=True, reference=reference)
        assert isinstance(report, Production)
        print(printed(report))
        found[name] = report
    assert found["clean"].looks.stresses == ()
    assert found["clean"].drift is not None
    assert (found["clean"].drift.drifted, found["clean"].shared) == (False, PHOTOGRAPHS)
    jpeg, noise = found["jpeg"].looks, found["noise"].looks
    assert jpeg.compression == "jpeg_compression(severity=1)"
    for looks, name in ((jpeg, "jpeg_compression"), (noise, "gaussian_noise")):
        assert looks.files is not None
        assert looks.files.nearest is not None
        near = [looks.files.nearest, *looks.files.as_near]
        assert f"{name}(severity=1)" in [c.spec for c in near]
        assert looks.files.nearest.explained > 0.9
    assert noise.stresses[0].partition("(")[0] in ("gaussian_noise", "shot_noise", "speckle_noise")
    assert any("blur" in spec for spec in found["blur"].looks.stresses)
    blurred = found["blur"].drift
    assert blurred is not None
    assert blurred.difference < 0


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.slow
def test_flips_of_photographs_are_those_that_decoders_make(photographs: Path) -> None:
    simplejpeg = pytest.importorskip("simplejpeg")
    network = load("demo/efficientnet_lite0")
    found = api.check(network, f"imagefolder:{photographs}/jpeg", unlabelled=True, limit=6)
    assert isinstance(found, Production)
    assert found.flips is not None
    rows = {row.spec: row for row in found.flips.options}
    assert {row.flips.n for row in rows.values()} == {6}
    assert rows["decoder(decode=simplejpeg-no-fancy)"].kl > 0  # type: ignore[operator]
    assert rows["resizer(resize=opencv-nearest)"].kl > rows["resizer(resize=opencv-area)"].kl  # type: ignore[operator]
    assert not any("torchvision" in spec or "opencv)" in spec for spec in rows)  # as Pillow decodes

    def logits(decode: Any) -> NDArray[np.float64]:
        frames = []
        for sample in order(open_unlabelled(f"imagefolder:{photographs}/jpeg").samples, seed=0)[:6]:
            picture = PillowImage.fromarray(decode(Path(sample.location).read_bytes()))
            short = min(picture.size)
            width, height = (256 * side // short for side in picture.size)
            picture = picture.resize((width, height), PillowImage.Resampling.BICUBIC)
            left, top = round((width - 224) / 2), round((height - 224) / 2)
            frames.append(np.asarray(picture.crop((left, top, left + 224, top + 224))))
        x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2) / 255
        with torch.inference_mode():
            return network.logits(x).double().numpy()  # type: ignore[no-any-return]

    usual = logits(lambda data: np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB")))
    other = logits(lambda data: simplejpeg.decode_jpeg(data, fastupsample=True))
    p, q = (scipy_special.log_softmax(x, axis=1) for x in (usual, other))
    row = rows["decoder(decode=simplejpeg-no-fancy)"]
    assert row.kl == pytest.approx((np.exp(p) * (p - q)).sum(axis=1).mean(), rel=1e-3, abs=1e-6)
    assert row.flips.rate == pytest.approx(100 * (usual.argmax(1) != other.argmax(1)).mean())
