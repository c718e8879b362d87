"""Probes are what they are said to be, as other libraries read them."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from roadworthy.preflight.probes.base import CHROMA, COLOURS, kinds, plain, probes
from roadworthy.preflight.probes.pictures import MAIN, TILT, grid, texture

LAYERS = {"444": (1, 1), "420": (2, 2), "422": (2, 1), "440": (1, 2)}


def pillow(name: str) -> Any:
    return Image.open(io.BytesIO(probes()[name].data))


def test_lossless_probes_hold_their_pixels() -> None:
    for probe in probes().values():
        if probe.draw is not None:
            assert (np.asarray(pillow(probe.name)) == probe.pixels).all()
            encoded = np.frombuffer(probe.data, np.uint8)
            decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
            assert decoded is not None
            assert (decoded[:, :, ::-1] == probe.pixels).all()


def test_flat_colours_determine_a_map_of_three_channels() -> None:
    design = np.column_stack([np.divide(COLOURS, 255), np.ones(len(COLOURS))])
    assert np.linalg.cond(design) < 10
    levels = {c for colour in COLOURS for c in colour}
    for step in (2, 4, 8, 16):  # fewer levels than 256 would show
        assert len({c % step for c in levels}) >= min(step, 8) - 1


@pytest.mark.parametrize("chroma", CHROMA)
def test_jpegs_have_the_chroma_layout_that_they_are_called_after(chroma: str) -> None:
    file = pillow(f"jpeg_{chroma}")
    (_, horizontal, vertical, _), *_ = file.layer
    assert (horizontal, vertical) == LAYERS[chroma]


def test_orientations_are_those_of_their_names_and_the_picture_has_no_symmetry() -> None:
    for orientation in range(1, 9):
        assert pillow(f"exif_{orientation}").getexif()[0x0112] == orientation
    turned = [np.rot90(plain(), k) for k in range(4)]
    assert len({t.tobytes() for t in (*turned, *(t[:, ::-1] for t in turned))}) == 8


def test_flat_blocks_are_read_alike_whatever_the_inverse_transform() -> None:
    simplejpeg = pytest.importorskip("simplejpeg")
    data = probes()["exif_1"].data
    slow, fast = (simplejpeg.decode_jpeg(data, fastdct=fast) for fast in (False, True))
    assert np.abs(slow.astype(int) - fast).max() <= 1
    assert (slow == np.asarray(pillow("exif_1"))).all()


def test_the_profile_is_that_of_adobe_rgb() -> None:
    file = pillow("icc_adobe_rgb")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(file.info["icc_profile"]))
    assert "Adobe RGB (1998)" in ImageCms.getProfileDescription(profile)
    srgb = ImageCms.createProfile("sRGB")
    red = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (0, 255, 0)), profile, srgb)
    assert red is not None
    assert red.getpixel((0, 0)) == (0, 255, 0)  # out of sRGB: cut off at its green
    muted = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (100, 150, 100)), profile, srgb)
    assert muted is not None
    colour = muted.getpixel((0, 0))
    assert isinstance(colour, tuple)
    assert colour[0] < 75 < 140 < colour[1]  # the same numbers mean a stronger green


def test_unusual_pngs_are_what_they_are_called() -> None:
    modes = {name: pillow(name).mode for name in kinds()}
    assert modes == {
        "png_grey": "L",
        "png_alpha": "RGBA",
        "png_grey_alpha": "LA",
        "png_16_bit_grey": "I;16",
        "png_16_bit": "RGB",
    }
    deep = np.asarray(pillow("png_16_bit_grey")).astype(int)
    assert (deep == kinds()["png_16_bit_grey"][:, :, 0]).all()
    assert ((deep & 255) != (deep >> 8)).mean() > 0.9  # a low byte that repeats the high tells less
    assert pillow("png_palette").mode == "P"


def test_grids_say_where_each_pixel_was() -> None:
    height, width = 97, 131
    picture = grid(height, width).astype(float)
    y, x = np.mgrid[0:1:97j, 0:1:131j]
    assert np.abs(picture[:, :, 0] - MAIN * x - TILT * y).max() < 0.5001
    assert np.abs(picture[:, :, 1] - TILT * x - MAIN * y).max() < 0.5001


def test_texture_has_all_scales_and_does_not_repeat() -> None:
    first = texture(330, 330).astype(float)
    shifted = [np.roll(first, shift, axis) for shift in (1, 2, 41, 82) for axis in (0, 1)]
    assert max(np.corrcoef(first.ravel(), s.ravel())[0, 1] for s in shifted) < 0.7
    assert np.array_equal(first, texture(330, 330))
