"""A small JPEG of any picture a user may have, or nothing: no exception, not much memory."""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

SIDE = 160
EXACT = 64
"""Frames up to this size are shown pixel by pixel."""
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 64_000_000
# Formats read by Pillow itself: others would start programs (EPS) or are no pictures.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")


def thumbnail(data: bytes | None) -> str | None:
    """Return an encoded image as JPEG data URI, at most 160 pixels a side; None where it is gone.

    Rotation from EXIF is applied, transparency put on white, 16 bits scaled to 8. Broken, huge and
    foreign files give None.
    """
    from PIL import Image, ImageOps

    if not data or len(data) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                image.draft("RGB", (2 * SIDE, 2 * SIDE))
                small = ImageOps.exif_transpose(_rgb(image))
                small.thumbnail((SIDE, SIDE))
                buffer = io.BytesIO()
                small.save(buffer, "JPEG", quality=78, optimize=True)
    except Exception:  # decoders raise nearly anything on hostile bytes; a report must still appear
        return None
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def drawn(pixels: NDArray[np.uint8], *, exact: bool = False) -> str:
    """Return a frame, uint8 (H, W, 3) or (H, W), as data URI: small ones as they are, others as JPEG.

    An ``exact`` one is as it is whatever its size, for pictures in which single pixels matter.
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    small = exact or max(image.size) <= EXACT
    if not small:
        image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if small else "JPEG", quality=78, optimize=True)
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def difference(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], float]:
    """Return what changed, around grey and as strong as it can be shown, and by how much that is.

    Both frames are uint8 (H, W, 3) of one size.
    """
    change = after.astype(np.float32) - before.astype(np.float32)
    most = float(np.abs(change).max())
    factor = 127 / most if most > 0 else 1.0
    shown = np.clip(np.rint(128 + factor * change), 0, 255).astype(np.uint8)
    return shown, factor


def _rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":
        low, high = image.getextrema()
        span = float(high) - float(low) or 1.0  # type: ignore[arg-type]
        image = image.convert("F").point(lambda v: (v - float(low)) * (255.0 / span))  # type: ignore[arg-type]
        image = image.convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    image.info["exif"] = exif.tobytes() if len(exif) else b""
    return image
