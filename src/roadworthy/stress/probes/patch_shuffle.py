"""The picture cut into a grid of patches that change places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress.base import image_stress
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["grid"] < 2:
        raise UsageError(
            f"patch_shuffle: grid is 2 patches a side or more, not {arguments['grid']}"
        )


@image_stress(level="grid", check=_check, paper="Zhang & Zhu, ICML 2019")
def patch_shuffle(image: Image, grid: int, *, rng: Draws) -> Image:
    """Cut ``image`` into ``grid`` by ``grid`` equal patches and permute them at random.

    ``image`` is uint8 (H, W, 3); so is the result. Patches have H // grid by W // grid pixels; rows
    and columns that are left over at the bottom and right stay as they are. All permutations are
    equally likely, the identity among them. Raises SampleError for a frame with fewer than ``grid``
    pixels a side. Zhang & Zhu, ICML 2019, with 2, 4 and 8 patches a side.
    """
    height, width = image.shape[0] // grid, image.shape[1] // grid
    if min(height, width) == 0:
        raise SampleError(
            f"patch_shuffle: a frame of {image.shape[1]}x{image.shape[0]} pixels cannot be cut "
            f"into {grid} patches a side"
        )
    rows, columns = height * grid, width * grid
    tiles = image[:rows, :columns].reshape(grid, height, grid, width, 3).swapaxes(1, 2)
    order = np.argsort(rng.uniform(0.0, 1.0, (grid * grid,)))
    moved = tiles.reshape(grid * grid, height, width, 3)[order]
    result = image.copy()
    whole = moved.reshape(grid, grid, height, width, 3).swapaxes(1, 2)
    result[:rows, :columns] = whole.reshape(rows, columns, 3)
    return result
