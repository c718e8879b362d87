"""How large an image may be before it is refused, and how numbers are written in messages."""

from __future__ import annotations

import os

from roadworthy.errors import UsageError

ENCODED_MAX = 256 * 2**20
PIXELS_MAX = 89_478_485
"""A quarter of a gigabyte as 24-bit RGB; the figure above which Pillow warns of a bomb."""


def max_pixels() -> int:
    """Return the pixel bound, ``ROADWORTHY_MAX_PIXELS`` or 89 478 485; UsageError if malformed."""
    text = os.environ.get("ROADWORTHY_MAX_PIXELS")
    if not text:
        return PIXELS_MAX
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**40):
        raise UsageError(f"ROADWORTHY_MAX_PIXELS is a whole number of pixels, not '{text[:40]}'")
    return int(text)


def spaced(number: int) -> str:
    """Write 12345 as ``12 345``."""
    return f"{number:,}".replace(",", " ")
