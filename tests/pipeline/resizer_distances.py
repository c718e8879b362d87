"""How far apart resizers are on pictures; run as a script it writes the product's table of that.

``python tests/pipeline/resizer_distances.py FOLDER`` takes 24 colour photographs of the folder whose
shorter side is 333 to 512 pixels, drawn with a fixed seed.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.pipeline.base import Pipeline, resized
from roadworthy.pipeline.families import FAMILIES
from roadworthy.types import Image

SHORT = 256
COUNT = 24
Table = NDArray[np.float64]


def measured(pictures: Iterable[Image], names: Sequence[str]) -> tuple[Table, Table]:
    """Return mean and greatest differences of all pairs, in levels, shorter side to 256."""
    mean, most, count = np.zeros((len(names),) * 2), np.zeros((len(names),) * 2), 0
    for picture in pictures:
        count += 1
        made = [
            resized(picture, Pipeline((224, 224), resize=name, resize_to=SHORT)).astype(np.int16)
            for name in names
        ]
        for i in range(len(names)):
            for j in range(i):
                off = np.abs(made[i] - made[j])
                mean[i, j] += off.mean()
                most[i, j] = max(most[i, j], off.max())
    return (mean + mean.T) / count, np.maximum(most, most.T)


def photographs(folder: Path, count: int = COUNT) -> list[Image]:
    """Return photographs of a folder that are made 1.3 to 2 times smaller."""
    found = []
    for path in sorted(folder.iterdir()):
        with PillowImage.open(path) as file:
            if file.mode == "RGB" and 1.3 * SHORT <= min(file.size) <= 2 * SHORT:
                found.append(path)
    chosen = np.random.default_rng(0).permutation(len(found))[:count]
    return [np.asarray(PillowImage.open(found[i])) for i in chosen]


def main() -> None:
    names = [family.members[0] for family in FAMILIES]
    mean, _ = measured(photographs(Path(sys.argv[1])), names)
    keys = [family.key for family in FAMILIES]
    target = Path(__file__).parents[2] / "src" / "roadworthy" / "pipeline" / "families.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["family", *keys])
        writer.writerows(
            [key, *(f"{v:.2f}" for v in row)] for key, row in zip(keys, mean, strict=True)
        )


if __name__ == "__main__":
    main()
