"""What to do: the nearest call of the deployment's library, as measured by others too."""

from __future__ import annotations

import pytest

from roadworthy.pipeline.base import Pipeline
from roadworthy.preflight.calls import call_of
from roadworthy.preflight.factors import FIELDS, Reader, factors
from roadworthy.preflight.framing import in_words
from roadworthy.preflight.nearest import nearest
from roadworthy.preflight.suggest import _ADVICE, suggestions
from roadworthy.preflight.tensors import Numbers

HALF = Numbers((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def reader(resize: str, **options: object) -> Reader:
    return Reader(Pipeline((224, 224), resize=resize, resize_to=256, **options), HALF)  # type: ignore[arg-type]


def test_area_is_what_opencv_has_for_pillows_bilinear() -> None:
    near = nearest(reader("pillow-bilinear"), "opencv")
    assert near[0].resizer == "opencv-area"
    distance = {n.resizer: n.mean for n in near}
    assert distance["opencv-linear"] > 1.5 * distance["opencv-area"]
    assert near[-1].resizer in ("opencv-nearest", "opencv-nearest-exact")


def test_a_family_member_is_as_good_as_the_same() -> None:
    pytest.importorskip("torch")
    near = nearest(reader("pillow-bilinear"), "torch")
    assert near[0].resizer == "torch-bilinear-antialias"
    assert near[0].mean < 0.1


def advice(before: Reader, after: Reader, library: str = "") -> dict[str, str]:
    found = factors(before, after, open_parts=set())
    return {s.factor: s.sentence for s in suggestions(before, after, found, library=library)}


def test_a_resize_of_opencv_is_told_to_take_area_or_to_train_on_a_mix() -> None:
    said = advice(reader("pillow-bilinear"), reader("opencv-linear"))["resize"]
    assert "interpolation=cv2.INTER_AREA" in said
    assert "instead of" in said
    assert "train on a mix" in said


def test_the_equivalent_call_needs_no_mix() -> None:
    pytest.importorskip("torch")
    said = advice(reader("pillow-bilinear"), reader("torch-bilinear"))["resize"]
    assert "antialias=True" in said
    assert "train on a mix" not in said


def test_the_library_is_that_of_the_transform_where_it_is_known() -> None:
    said = advice(reader("opencv-area"), reader("opencv-linear"), "timm")["resize"]
    assert "nearest to opencv-area in Pillow" in said


def test_every_factor_has_advice() -> None:
    assert set(FIELDS) - {"resize"} | {"normalisation"} == set(_ADVICE)
    other = Reader(
        Pipeline((224, 224), geometry="squash", colour="bgr", orient="exif", alpha="white"),
        Numbers((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    )
    said = advice(reader("pillow-bilinear"), other)
    assert "shorter side to 256, aspect kept, then the central 224 x 224" in said["geometry"]
    assert "COLOR_BGR2RGB" in said["colour"]
    assert "IMREAD_IGNORE_ORIENTATION" in said["orient"]
    assert "mean=(0.5, 0.5, 0.5) and std=(0.5, 0.5, 0.5)" in said["normalisation"]
    assert "alpha=drop (Colours as they are stored" in said["alpha"]
    assert _ADVICE["yuv"](other, other) == "do as training does: yuv=none"


def told(first: Pipeline, second: Pipeline) -> str:
    (said,) = advice(Reader(first, HALF), Reader(second, HALF)).values()
    return said


def test_what_differs_by_a_pixel_is_not_told_in_the_same_words() -> None:
    frame = (224, 224)
    usual, rounded = Pipeline(frame), Pipeline(frame, geometry="rounded_crop")
    assert "224 x 224 (the longer side truncated, the crop's offset rounded half to even" in told(
        usual, rounded
    )
    assert told(rounded, usual).endswith(
        "(the longer side rounded, the crop's offset rounded down)"
    )
    bars, dark = (Pipeline(frame, geometry="letterbox", fill=f) for f in (None, (9, 9, 9)))
    assert told(bars, dark).endswith("letterbox to 224 x 224 (fill=(114, 114, 114))")
    assert told(dark, bars).endswith("letterbox to 224 x 224 (fill=(9, 9, 9))")
    less, more = (Pipeline(frame, geometry="central_crop", crop=crop) for crop in (0.8, 0.9))
    assert told(less, more).endswith("central_crop to 224 x 224 (crop=0.8)")


@pytest.mark.parametrize(
    "decoder", ["simplejpeg-ifast", "simplejpeg-no-fancy", "jpeglib-9f", "pyav"]
)
def test_decoders_have_advice_of_their_own(decoder: str) -> None:
    said = _ADVICE["decoder"](reader("pillow-bilinear"), reader("pillow-bilinear", decoder=decoder))
    assert "decode with pillow" in said
    assert not said.startswith("decode with")


def test_names_become_calls() -> None:
    assert call_of("opencv-nearest-exact").endswith("cv2.INTER_NEAREST_EXACT)")
    assert "mode='bicubic', antialias=False" in call_of("torch-bicubic")
    assert "Resampling.LANCZOS, reducing_gap=2" in call_of("pillow-lanczos-reducing-gap-2")
    assert call_of("pyvips-linear").startswith("image.resize(width / image.width, vscale=")
    assert "scale=WIDTH:HEIGHT:flags=fast_bilinear" in call_of("swscale-fast-bilinear")
    assert call_of("tensorflow-lanczos3-antialias") == (
        "tf.image.resize(x, size, method='lanczos3', antialias=True)"
    )
    assert call_of("of-another-package") == "of-another-package"


@pytest.mark.parametrize(
    ("resizer", "call"),
    [
        ("bilinear-asymmetric", "resize_bilinear(x, size, align_corners=False)"),
        ("bicubic-align-corners", "resize_bicubic(x, size, align_corners=True)"),
        ("nearest-align-corners", "resize_nearest_neighbor(x, size, align_corners=True)"),
    ],
)
def test_what_tensorflow_1_did_is_not_taken_for_what_2_does(resizer: str, call: str) -> None:
    assert call_of(f"tensorflow-{resizer}") == f"tf.compat.v1.image.{call}"


def test_geometries_in_words() -> None:
    assert in_words(Pipeline(None)) == "leave them in their own size"
    assert in_words(Pipeline((64, 64), geometry="squash")) == "both sides straight to 64 x 64"
    assert "shorter side to 256" in in_words(Pipeline((224, 224)))
    assert in_words(Pipeline((64, 64), geometry="letterbox")) == "letterbox to 64 x 64"
