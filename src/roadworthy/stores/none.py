"""Nothing is stored: frames stay in memory as they are."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.errors import UsageError
from roadworthy.stores.base import Store, image_format
from roadworthy.types import Image


@image_format()
def none() -> Store:
    """Keep frames in memory, unchanged; there is no file of it."""
    return Store(suffix="", lossless=True, encode=_encode, decode=_decode)


def _encode(_frames: Sequence[Image], _noise: bool) -> bytes:
    raise _refused()


def _decode(_data: bytes) -> list[Image]:
    raise _refused()


def _refused() -> UsageError:
    return UsageError("the store 'none' writes no files; use png, jpeg(quality=85), npy or mp4")
