"""Files whose pixels have more than one way to RGB: CMYK, sixteen bits, transparency."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from PIL.ImageFile import ImageFile

from roadworthy.pipeline.containers.base import Header
from roadworthy.pipeline.decoders.pillow import is_deep, opened
from roadworthy.pipeline.recipe import Stages
from roadworthy.types import Image

_TRANSPARENT = {"RGBA", "LA", "PA", "RGBa", "La"}


def another_way(header: Header, stages: Stages) -> Image | None:
    """Return the picture of a file to which one of the stages cmyk, depth and alpha applies.

    None leaves it to the decoder: for all others, and where these stages do what decoders do. Raises
    whatever Pillow raises for damaged data.
    """
    with opened(_with_transparency(header)) as file:
        if file.mode == "CMYK" and stages.cmyk.name != "pillow":
            file.load()
            inks: Image = stages.cmyk.function(np.asarray(file), header.icc)
            return inks
        clear = file.mode in _TRANSPARENT or "transparency" in file.info
        if clear and stages.alpha.name != "drop":
            return _laid(file, stages)
        if is_deep(file) and stages.depth.name != "high_byte":
            file.load()
            return _grey(stages.depth.function(np.asarray(file)))
    return None


def _laid(file: ImageFile, stages: Stages) -> Image:
    file.load()
    if is_deep(file):
        grey = np.asarray(file)
        opacity = 255 * (grey != file.info["transparency"]).astype(np.uint8)
        colours = _grey(stages.depth.function(grey))
    else:
        whole = np.asarray(file.convert("RGBA"))
        colours, opacity = whole[:, :, :3], whole[:, :, 3]
    image: Image = stages.alpha.function(colours, opacity)
    return image


def _grey(level: Image) -> Image:
    return np.repeat(level[:, :, None], 3, axis=2)


def _with_transparency(header: Header) -> bytes:
    """Return the pixels of a file with the transparency that decoders of PNG are not given."""
    if not header.transparency:
        return header.pixels
    place = 8
    while header.pixels[place + 4 : place + 8] != b"IDAT":
        place += 12 + int.from_bytes(header.pixels[place : place + 4], "big")
    length = len(header.transparency).to_bytes(4, "big")
    body = b"tRNS" + header.transparency
    inserted = length + body + crc32(body).to_bytes(4, "big")
    return header.pixels[:place] + inserted + header.pixels[place:]
