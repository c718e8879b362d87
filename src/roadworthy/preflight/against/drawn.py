"""Pictures drawn by the package as a data set, for comparisons without one."""

from __future__ import annotations

import io

from PIL import Image as PillowImage

from roadworthy.data.base import Images
from roadworthy.types import Classes, Dataset, Sample

COUNT = 64


def drawn_pictures() -> Dataset:
    """Return pictures of coloured discs without labels, lossless files of 256 x 256 pixels."""
    from roadworthy.models.quantise.pictures import leaves

    files = {}
    for number, picture in enumerate(leaves(COUNT)):
        file = io.BytesIO()
        PillowImage.fromarray(picture).save(file, "PNG")
        files[f"drawn_{number}.png"] = file.getvalue()
    samples = [Sample(name, 0, name) for name in files]
    return Images(
        f"{COUNT} pictures drawn by the package", Classes(None), samples, lambda s: files[s.id]
    )
