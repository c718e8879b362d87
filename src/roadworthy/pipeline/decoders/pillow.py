"""Pillow: the decoder behind most training pipelines."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import max_pixels
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

# Classes rather than PIL.Image.open: nothing is guessed, no size warning, no malformed-MPO warning.
_READERS: dict[bytes, type[ImageFile]] = {
    b"\xff\xd8": JpegImageFile,
    b"\x89P": PngImageFile,
    b"RI": WebPImageFile,
    b"GI": GifImageFile,
    b"BM": BmpImageFile,
    b"II": TiffImageFile,
    b"MM": TiffImageFile,
}
_CONVERTED = {"1", "L", "P", "LA", "PA", "La", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV"}


@decoder()
def pillow(data: bytes, variant: str = "") -> Image:
    """Decode to uint8 RGB (H, W, 3), read-only, as ``Image.open(...).convert("RGB")`` would.

    The first frame of an animation, palette and hidden colours under transparency as stored, CMYK
    by Pillow's plain formula. Sixteen bits keep their high byte, where Pillow's own ``convert``
    saturates. (The stages ``alpha``, ``cmyk`` and ``depth`` have other ways.) Raises SampleError for
    pixels with no agreed way to RGB (float, 32 bits, Lab), and whatever Pillow raises for damaged
    data.
    """
    del variant
    with opened(data) as file:
        file.load()
        if file.mode == "RGB":
            return np.asarray(file)
        if is_deep(file):
            return _high_byte(np.asarray(file))
        if file.mode not in _CONVERTED:
            raise SampleError(
                f"{file.format} with {file.mode} pixels: there is no agreed way to 8-bit RGB; "
                f"convert it yourself or leave it out"
            )
        file.info.pop("transparency", None)  # else convert() warns, or looks for a spare colour
        return np.asarray(file.convert("RGB"))


def opened(data: bytes) -> ImageFile:
    """Return a file as Pillow opens it, its pixels not yet decoded; the caller closes it."""
    _raise_limit()
    return _READERS.get(data[:2], PpmImageFile)(io.BytesIO(data))


def is_deep(file: ImageFile) -> bool:
    """Whether the pixels of an opened file are 16-bit grey."""
    return file.mode.startswith("I;16") or (file.mode == "I" and file.format == "PPM")


def _high_byte(grey: np.ndarray[tuple[int, ...], np.dtype[np.uint16 | np.int32]]) -> Image:
    return np.repeat((grey >> 8).astype(np.uint8)[:, :, None], 3, axis=2)


def _raise_limit() -> None:
    # The pixel bound was checked before; Pillow's own is process-wide and only ever lifted, when
    # the user has asked for more than it allows.
    limit = PillowImage.MAX_IMAGE_PIXELS
    if limit is not None and max_pixels() > limit:
        PillowImage.MAX_IMAGE_PIXELS = max_pixels()
