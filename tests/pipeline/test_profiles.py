"""ICC profiles: found in every container, applied as ImageCms does, or not looked at."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms
from pipeline_files import chunk, encoded, oriented, soft

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.containers.base import PROFILE_MAX, inflated
from roadworthy.pipeline.integrity import check
from roadworthy.types import Image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """Return an RGB profile that takes red for blue: sRGB with two of its colorants exchanged."""
    return SRGB.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


def grey_profile(gamma: float) -> bytes:
    """Return a profile for grey of one power law, written by hand."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(256 * gamma).to_bytes(2, "big")
    white = b"XYZ " + bytes(4) + b"".join(v.to_bytes(4, "big") for v in (63_190, 65_536, 54_061))
    text = b"desc" + bytes(4) + (2).to_bytes(4, "big") + b"g\0" + bytes(80)
    bodies = {b"desc": text, b"wtpt": white, b"kTRC": curve + bytes(2)}
    table, data, place = b"", b"", 128 + 4 + 12 * len(bodies)
    for name, body in bodies.items():
        body += bytes(-len(body) % 4)
        table += name + (place + len(data)).to_bytes(4, "big") + len(body).to_bytes(4, "big")
        data += body
    head = bytearray(128)
    head[:4] = (place + len(data)).to_bytes(4, "big")
    head[8:12] = b"\x02\x10\0\0"
    head[12:24] = b"mntrGRAYXYZ "
    head[36:40] = b"acsp"
    head[68:80] = b"\0\0\xf6\xd6\0\x01\0\0\0\0\xd3\x2d"
    return bytes(head) + len(bodies).to_bytes(4, "big") + table + data


def seen(data: bytes, profile: str = "srgb", **more: str) -> Image:
    return decode(data, Pipeline(None, profile=profile, **more), name="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_profiles_are_found_and_applied(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(soft(19, 23), kind, icc_profile=swapped(), **options)
    assert check(data, name="x").icc == swapped()
    plain = seen(data, "ignore")
    picture = PillowImage.fromarray(plain)
    own = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(io.BytesIO(swapped())), ImageCms.createProfile("sRGB")
    )
    assert own is not None
    assert np.array_equal(seen(data), np.asarray(own))
    saturated = np.zeros((8, 8, 3), np.uint8)
    saturated[:, :, 0] = 200
    red = encoded(saturated, "PNG", icc_profile=swapped())
    assert seen(red)[0, 0].argmax() == 2  # what was stored as red is blue
    assert np.array_equal(seen(red, "ignore"), saturated)


def test_without_a_profile_nothing_changes() -> None:
    data = encoded(soft(19, 23), "JPEG")
    assert check(data, name="x").icc == b""
    assert np.array_equal(seen(data), seen(data, "ignore"))
    same = encoded(soft(19, 23), "PNG", icc_profile=SRGB)
    assert np.abs(seen(same).astype(int) - soft(19, 23)).max() <= 1


def test_a_long_profile_lies_in_several_segments() -> None:
    long = SRGB + bytes(150_000)
    data = encoded(soft(9, 8), "JPEG", icc_profile=long)
    assert check(data, name="x").icc == long
    first = data.index(b"ICC_PROFILE\0")
    second = data.index(b"ICC_PROFILE\0", first + 1)
    cut = data[: first - 4] + data[second - 4 :]
    assert check(cut, name="x").icc == b""
    assert np.array_equal(seen(cut), seen(cut, "ignore"))


def test_grey_pictures_take_profiles_of_grey() -> None:
    grey = PillowImage.fromarray(soft(9, 14)).convert("L")
    data = encoded(grey, "PNG", icc_profile=grey_profile(1.0))
    image = seen(data)
    assert (image == image[:, :, :1]).all()
    level = np.asarray(grey) / 255.0
    lit = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    assert np.abs(image[:, :, 0] - 255 * lit).max() <= 1.5
    colour = encoded(soft(9, 14), "PNG", icc_profile=SRGB)
    assert np.array_equal(seen(data, "ignore")[:, :, 0], np.asarray(grey))
    mixed = check(colour, name="x")
    assert mixed.icc == SRGB


def test_a_damaged_profile_is_a_failed_sample_only_where_it_is_applied() -> None:
    broken = SRGB[:200] + bytes(len(SRGB) - 200)
    data = encoded(soft(9, 8), "PNG", icc_profile=broken)
    assert np.array_equal(seen(data, "ignore"), soft(9, 8))
    with pytest.raises(
        SampleError, match=r'^"x": its colour profile cannot be used .*profile=ignore'
    ):
        seen(data)
    short = encoded(soft(9, 8), "PNG", icc_profile=SRGB[:24])
    with pytest.raises(SampleError, match="its colour profile cannot be used"):
        seen(short)


def test_a_profile_that_does_not_inflate_is_none() -> None:
    data = encoded(soft(9, 8), "PNG")
    bad = data[:33] + chunk(b"iCCP", b"x\0\0" + b"not zlib") + data[33:]
    assert check(bad, name="x").icc == b""
    import zlib

    bomb = zlib.compress(bytes(PROFILE_MAX + 1))
    assert inflated(bomb) == b""
    assert inflated(zlib.compress(SRGB)) == SRGB
    assert inflated(zlib.compress(SRGB)[:-3]) == b""


def test_turning_and_colours_do_not_hinder_each_other() -> None:
    data = encoded(soft(9, 14), "JPEG", icc_profile=swapped(), exif=oriented(6), subsampling=0)
    both = seen(data, orient="exif")
    assert np.array_equal(both, np.rot90(seen(data), -1))


@pytest.mark.shared
def test_profiles_of_photographs(shared: Path) -> None:
    moved: dict[str, list[float]] = {}
    for file in sorted((shared / "data/imagenet_sample/images").iterdir()):
        data = file.read_bytes()
        icc = check(data, name="x").icc
        if not icc:
            continue
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
        difference = np.abs(seen(data).astype(int) - seen(data, "ignore"))
        moved.setdefault(name, []).append(float(difference.mean()))
    assert len(moved["sRGB IEC61966-2.1"]) > 50
    assert max(moved["sRGB IEC61966-2.1"]) < 0.5
    assert 3 < np.mean(moved["Adobe RGB (1998)"]) < 7  # 4.7 over profiles other than sRGB elsewhere
