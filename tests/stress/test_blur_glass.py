"""Glass blur: a copy one way, in order, and its fast form bit for bit."""

from __future__ import annotations

import numpy as np
import plain_blur
import pytest
from numpy.typing import NDArray

from roadworthy.errors import SampleError
from roadworthy.stress._kernels.glass import displaced
from roadworthy.stress.corruptions.glass_blur import glass_blur
from roadworthy.stress.draws import FastDraws, ReferenceDraws
from roadworthy.types import Image


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def fast(seed: int = 0) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


class Fixed(FastDraws):
    """Draws that always lead to the same neighbour."""

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__(np.random.Generator(np.random.Philox(0)))
        object.__setattr__(self, "step", (dx, dy))

    def pairs(self, span: int, count: int) -> NDArray[np.integer]:
        dx, dy = self.step  # type: ignore[attr-defined]
        return np.full(count, (dx + span // 2) * span + dy + span // 2, np.uint8)


@pytest.mark.parametrize("table", [224, 32, 64, 299])
@pytest.mark.parametrize("severity", range(1, 6))
def test_all_passes_at_once_are_those_of_the_loop(table: int, severity: int) -> None:
    assert glass_blur.levels is not None
    _, reach, passes = glass_blur.levels.tables[table][severity - 1]
    size = table if table != 299 else 61
    image, state = noise(size, size), np.random.RandomState(7)
    got = displaced(image, reach, ReferenceDraws(np.random.RandomState(7)), passes=passes)
    for _ in range(passes):
        image = plain_blur.displaced(image, reach, state)
    np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize(("shape", "reach"), [((40, 23), 3), ((17, 60), 8), ((60, 50), 12)])
def test_also_on_frames_that_are_no_squares(shape: tuple[int, int], reach: int) -> None:
    image = noise(*shape)
    got = displaced(image, reach, ReferenceDraws(np.random.RandomState(1)))
    expected = plain_blur.displaced(image, reach, np.random.RandomState(1))
    np.testing.assert_array_equal(got, expected)


def test_pairs_drawn_at_once_are_those_drawn_one_by_one() -> None:
    one_by_one, at_once = np.random.RandomState(5), np.random.RandomState(5)
    expected = [one_by_one.randint(-3, 3, size=(2,)).tolist() for _ in range(500)]
    assert at_once.randint(-3, 3, size=(500, 2)).tolist() == expected
    pairs = ReferenceDraws(np.random.RandomState(5)).pairs(6, 500)
    assert [[n // 6 - 3, n % 6 - 3] for n in pairs.tolist()] == expected


def test_it_is_a_copy_one_way_and_no_exchange() -> None:
    # Everything from one pixel up and left: an exchange would carry the last pixel to the first.
    image = noise(12, 12)
    moved = displaced(image, 2, Fixed(-1, -1))
    np.testing.assert_array_equal(moved[3:11, 3:11], image[2:10, 2:10])


def test_what_was_overwritten_is_copied_on() -> None:
    # Everything from the pixel to the right, which was written just before: the border runs through.
    image = noise(12, 12)
    moved = displaced(image, 2, Fixed(1, 0))
    for column in range(3, 11):
        np.testing.assert_array_equal(moved[3:11, column], image[3:11, 11])


@pytest.mark.parametrize("reach", [1, 2, 3, 4, 9])
def test_the_edge_is_never_written_and_the_rest_is(reach: int) -> None:
    size = 64
    image = noise(size, size)
    moved = displaced(image, reach, fast(), passes=3)
    changed = (moved != image).any(axis=2)
    inside = slice(reach + 1, size - reach + 1)
    outside = np.ones((size, size), bool)
    outside[inside, inside] = False
    assert not changed[outside].any()
    for edge in (reach + 1, size - reach):
        assert changed[edge, inside].any()
        assert changed[inside, edge].any()


def test_a_displacement_of_one_reads_only_up_and_left() -> None:
    size = 32
    ramp = np.zeros((size, size, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(size)[:, None], np.arange(size)
    moved = displaced(ramp, 1, fast()).astype(int) - ramp
    assert set(np.unique(moved[2:31, 2:31, 0])) == {-1, 0}
    assert set(np.unique(moved[2:31, 2:31, 1])) == {-1, 0}


@pytest.mark.parametrize("span", [2, 4, 6, 8, 10, 18])
def test_fast_pairs_are_uniform(span: int) -> None:
    counts = np.bincount(fast(span).pairs(span, 400_000), minlength=span * span)
    expected = 400_000 / (span * span)
    assert len(counts) == span * span
    freedom = span * span - 1
    squares = float(((counts - expected) ** 2 / expected).sum())
    assert abs(squares - freedom) < 5 * np.sqrt(2 * freedom)


def test_both_blurs_are_truncated_and_the_same_seed_gives_the_same_picture() -> None:
    image = noise(40, 50)
    first = glass_blur.function(image, 1.0, 2, 1, rng=fast(4))
    np.testing.assert_array_equal(first, glass_blur.function(image, 1.0, 2, 1, rng=fast(4)))
    assert (first != glass_blur.function(image, 1.0, 2, 1, rng=fast(5))).any()


def test_a_displacement_is_rounded_to_whole_pixels_and_at_least_one() -> None:
    image = noise(40, 40)
    for given, meant in ((0.3, 1), (1.49, 1), (1.5, 2), (2.29, 2)):
        np.testing.assert_array_equal(
            glass_blur.function(image, 0.7, given, 2, rng=fast()),
            glass_blur.function(image, 0.7, meant, 2, rng=fast()),
        )


def test_a_frame_too_small_to_move_pixels_in_is_named() -> None:
    with pytest.raises(SampleError, match="more than 8 pixels a side, not 30 x 8"):
        glass_blur.function(noise(8, 30), 1.0, 4, 1, rng=fast())
