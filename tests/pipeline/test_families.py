"""Families of resizers: complete, alike within, apart from each other, and as far as was published."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from resizer_distances import measured, photographs

from roadworthy.errors import MissingPackageError, UsageError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.families import FAMILIES, apart, family_of, nearest
from roadworthy.pipeline.stages import find_resizer, resizer_names
from roadworthy.types import Image


def usable(name: str) -> bool:
    try:
        require(find_resizer(name)[0])
    except MissingPackageError:
        return False
    return True


NAMES = [name for name in resizer_names() if usable(name)]

ALIKE = {
    ("A", "swscale-experimental"),
    ("C1", "pyvips-lanczos2"),
    ("L0", "skimage-bilinear-antialias"),
    ("Z", "swscale-spline"),
    *(
        (key, f"pillow-{name}-reducing-gap-1")
        for key, name in (("L1", "bilinear"), ("Z", "lanczos"))
    ),
    *((key, f"pillow-{key}-reducing-gap-1") for key in ("box", "hamming")),
    ("C1", "pillow-bicubic-reducing-gap-1"),
}
"""Pairs that come as close at these scales as members of a family do, though their filters differ."""


def picture(height: int, width: int) -> Image:
    """Return a smooth picture with a few sharp edges and some grain, as photographs have."""
    draws = np.random.default_rng(height)
    smooth = cv2.GaussianBlur(draws.normal(0, 1, (height, width, 3)), (0, 0), 6) * 700 + 128
    rows, columns = np.indices((height, width))
    edges = 60.0 * ((rows // 37 + columns // 53) % 2)[:, :, None]
    grain = cv2.GaussianBlur(draws.normal(0, 1, (height, width, 3)), (0, 0), 0.7) * 12
    result: Image = np.clip(smooth + edges + grain, 0, 255).astype(np.uint8)
    return result


@pytest.fixture(scope="module")
def tables() -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Return mean and greatest differences of all resizers that are here, on a picture."""
    mean, most = measured([picture(450, 401)], NAMES)
    pairs = [(i, j) for i in range(len(NAMES)) for j in range(len(NAMES))]
    return (
        {(NAMES[i], NAMES[j]): float(mean[i, j]) for i, j in pairs},
        {(NAMES[i], NAMES[j]): float(most[i, j]) for i, j in pairs},
    )


def test_every_resizer_is_in_one_family() -> None:
    members = [name for family in FAMILIES for name in family.members]
    assert sorted(members) == sorted(resizer_names())
    assert len({family.key for family in FAMILIES}) == len(FAMILIES)
    for name in resizer_names():
        assert name in family_of(name).members


@pytest.mark.parametrize("family", [f for f in FAMILIES if len(f.members) > 1], ids=lambda f: f.key)
def test_members_are_alike_and_others_are_not(
    family: object, tables: tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]
) -> None:
    assert isinstance(family, type(FAMILIES[0]))
    mean, most = tables
    inside = [name for name in family.members if name in NAMES]
    for one in inside:
        for other in inside:
            assert mean[one, other] <= family.mean, (one, other)
            if family.most is not None:
                assert most[one, other] <= family.most, (one, other)
    for outside in NAMES:
        key = family_of(outside).key
        if key != family.key and (family.key, key) not in ALIKE:
            for one in inside:
                assert mean[one, outside] > family.mean, (one, outside)


# Mean differences printed in a specification: other photographs, Pillow 13, OpenCV 5, torch 2.14.
ANCHORS = ("pillow-bilinear", "opencv-linear", "pillow-bicubic", "opencv-cubic", "opencv-area")
PRINTED = {
    "pillow-nearest": (6.03, 4.33, 5.60, 4.29, 5.58),
    "pillow-box": (3.54, 2.37, 3.16, 3.02, 2.99),
    "pillow-hamming": (1.67, 0.91, 1.38, 2.66, 1.02),
    "pillow-lanczos": (2.27, 2.42, 0.97, 3.08, 1.90),
    "opencv-nearest": (9.40, 10.3, 9.71, 11.1, 9.64),
    "opencv-linear": (2.36, 0, 1.94, 1.98, 1.61),
    "opencv-area": (1.01, 1.61, 1.06, 3.25, 0),
    "opencv-cubic": (4.10, 1.98, 3.13, 0, 3.25),
    "opencv-lanczos4": (4.55, 2.56, 3.66, 0.99, 3.73),
    "torch-area": (2.13, 4.13, 2.99, 5.62, 2.71),
    "skimage-bicubic-antialias": (3.93, 1.98, 3.02, 0.76, 3.10),
    "pyvips-mitchell": (0.52, 2.34, 1.23, 4.06, 1.01),
    "swscale-fast-bilinear": (4.35, 4.20, 4.37, 5.24, 4.18),
    "swscale-gauss": (0.92, 3.03, 2.26, 4.88, 1.73),
    "tensorflow-bilinear-asymmetric": (3.41, 3.30, 3.31, 4.14, 3.11),
    "tensorflow-bilinear-align-corners": (2.73, 1.73, 2.43, 2.80, 2.16),
}


@pytest.mark.parametrize("name", PRINTED)
def test_distances_are_those_that_were_printed(name: str) -> None:
    for anchor, printed in zip(ANCHORS, PRINTED[name], strict=True):
        found = apart(name, anchor)
        assert found is not None
        assert found == apart(anchor, name)
        # scikit-image blurs the more the smaller: it depends most on which photographs.
        close = 0.3 if name.startswith("skimage") else 0.2
        assert found == pytest.approx(printed, rel=close, abs=0.02), anchor


def test_the_nearest_call_of_a_library_is_named() -> None:
    opencv = [name for name in resizer_names() if name.startswith("opencv-")]
    assert nearest("pillow-bilinear", opencv) == ("opencv-area", 0.99)
    assert nearest("torch-bilinear", opencv)[0] == "opencv-linear"
    assert nearest("opencv-linear-exact", opencv) == ("opencv-linear-exact", 0.0)
    assert nearest("tensorflow-area", [*opencv, "pillow-box"])[0] == "opencv-area"
    assert nearest("opencv-nearest", ["pillow-nearest", "torch-nearest"]) == ("torch-nearest", 0.0)


def test_of_unknown_resizers_nothing_is_made_up() -> None:
    assert family_of("other-linear").members == ("other-linear",)
    assert apart("other-linear", "opencv-linear") is None
    with pytest.raises(UsageError, match=r"'opencv-lineer' .* did you mean 'opencv-linear'\?"):
        nearest("opencv-lineer", ["pillow-box"])
    assert nearest("opencv-linear", ["other-linear", "pillow-hamming"])[0] == "pillow-hamming"


@pytest.mark.shared
def test_distances_on_photographs_are_the_products(shared: Path) -> None:
    names = [
        n for n in ("opencv-linear", "pillow-bilinear", "opencv-area", "pillow-box") if usable(n)
    ]
    mean, _ = measured(photographs(shared / "data" / "imagenet_sample" / "images"), names)
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            assert mean[i, j] == pytest.approx(apart(one, other), abs=0.006)
