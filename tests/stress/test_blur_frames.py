"""The blurs on odd frames and odd arrays: new arrays of the same size, the input untouched."""

from __future__ import annotations

import numpy as np
import pytest
from golden_chart import corrupted

from roadworthy.stress.draws import FastDraws
from roadworthy.types import Image

BLURS = ("gaussian_blur", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur")


def blurred(name: str, image: Image) -> Image:
    rng = FastDraws(np.random.Generator(np.random.Philox(1)))
    return corrupted(name, image, 5, draws=rng)


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (60, 3), (2, 2), (70, 49), (180, 310)])
def test_any_frame_gives_a_new_picture_of_its_size(name: str, shape: tuple[int, int]) -> None:
    if name == "glass_blur" and min(shape) < 3:
        pytest.skip("refused: test_a_frame_too_small_to_move_pixels_in_is_named")
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    kept = image.copy()
    image.flags.writeable = False
    got = blurred(name, image)
    assert got.shape == image.shape
    assert got.dtype == np.uint8
    assert not np.shares_memory(got, image)
    np.testing.assert_array_equal(image, kept)
    if min(shape) > 2:
        assert (got != image).any()


@pytest.mark.parametrize("name", BLURS)
def test_the_layout_in_memory_does_not_matter(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 61, 3), dtype=np.uint8)
    turned = image[::-1, ::-1]
    expected = blurred(name, np.ascontiguousarray(turned))
    np.testing.assert_array_equal(blurred(name, turned), expected)
    np.testing.assert_array_equal(blurred(name, np.asfortranarray(turned)), expected)
