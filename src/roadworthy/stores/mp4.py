"""H.264 videos, as ImageNet-P is published."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from roadworthy.errors import SampleError, UsageError
from roadworthy.stores.base import Store, image_format
from roadworthy.types import Image

Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow", "slower", "veryslow"]

LARGEST_VIDEO = 1 << 31
"""Bytes of decoded frames; a longer video is refused rather than read."""


def _check(arguments: Mapping[str, Any]) -> None:
    for name in ("crf", "noise_crf"):
        if arguments[name] not in range(52):
            raise UsageError(f"mp4: {name} is 0 (best) to 51, not {arguments[name]}")


@image_format(check=_check)
def mp4(*, crf: int = 20, noise_crf: int = 23, preset: Preset = "veryslow") -> Store:
    """Keep a sequence as one H.264 video: 1 frame a second, 4:4:4 colour.

    ``crf`` is the constant rate factor, 0 (best) to 51; sequences of independent noise take
    ``noise_crf`` and the tuning for film grain. ``preset`` is the encoder's, veryslow as published.
    It is lossy, the first frame included. Needs the package av; raises UsageError where it is not
    installed. Hendrycks & Dietterich, ICLR 2019.
    """
    _av()

    def encode(frames: Sequence[Image], noise: bool) -> bytes:
        tuning = {"crf": str(noise_crf), "tune": "grain"} if noise else {"crf": str(crf)}
        return _encoded(frames, {"preset": preset, **tuning})

    return Store(suffix=".mp4", lossless=False, whole=True, encode=encode, decode=_decoded)


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise UsageError(
            "the store mp4 needs the package av: pip install 'roadworthy[video]'"
        ) from None
    return av


def _encoded(frames: Sequence[Image], settings: Mapping[str, str]) -> bytes:
    av = _av()
    height, width = frames[0].shape[:2]
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format="mp4") as container:
            # How the encoder divides its work changes the picture, so it never depends on the
            # machine: one thread.
            options = {"threads": "1", **settings}
            stream = container.add_stream("libx264", rate=Fraction(1), options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
            stream.thread_count = 1
            for image in frames:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
    except (av.FFmpegError, ValueError) as error:
        raise SampleError(f"{width}x{height} pixels cannot be kept as H.264: {error}") from None
    return buffer.getvalue()


def _decoded(data: bytes) -> list[Image]:
    av = _av()
    found: list[Image] = []
    left, promised = LARGEST_VIDEO, 0
    try:
        with av.open(io.BytesIO(data)) as container:
            promised = container.streams.video[0].frames
            for picture in container.decode(video=0):
                left -= picture.width * picture.height * 3
                if left < 0:
                    raise SampleError(f"the video holds more than {LARGEST_VIDEO} bytes of frames")
                found.append(picture.to_ndarray(format="rgb24"))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise SampleError(f"cannot be read as a video: {error}") from None
    if not found:
        raise SampleError("the video holds no frames")
    if len(found) < promised:
        raise SampleError(f"the video is damaged: {len(found)} of {promised} frames can be read")
    return found
