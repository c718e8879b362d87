from __future__ import annotations

import numpy as np
import pytest

from roadworthy.errors import UsageError
from roadworthy.stress.bound import stress
from roadworthy.stress.sequences.translate import translate


def test_each_frame_is_one_pixel_further_and_black_enters() -> None:
    image = np.arange(1, 11, dtype=np.uint8).reshape(1, 10, 1).repeat(3, axis=2)
    frames = list(translate.function(image, frames=5))
    rows = [frame[0, :, 0].tolist() for frame in frames]
    # Shifts -2, -1, 0, 1, 2 to the right.
    assert rows == [
        [3, 4, 5, 6, 7, 8, 9, 10, 0, 0],
        [2, 3, 4, 5, 6, 7, 8, 9, 10, 0],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    ]


def test_the_published_counts_give_the_published_offsets() -> None:
    image = np.zeros((1, 100, 3), np.uint8)
    image[:, 50] = 255
    for frames, first in ((41, -20), (31, -15), (16, -7)):
        positions = [int(f[0, :, 0].argmax()) for f in translate.function(image, frames=frames)]
        assert positions == [50 + first + i for i in range(frames)]


def test_shifts_beyond_the_picture_are_black() -> None:
    image = np.full((2, 3, 3), 9, np.uint8)
    frames = list(translate.function(image, frames=11))
    assert not frames[0].any()
    assert not frames[-1].any()


@pytest.mark.parametrize("frames", [0, 1, 1001])
def test_frame_counts_out_of_range_are_refused(frames: int) -> None:
    with pytest.raises(UsageError, match="frames is 2 to 1000"):
        stress(f"translate(frames={frames})")
