"""Every decoder on photographs: our stages, and the libraries called by hand for the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.race import Work
from bench.resizer_side import Pixels, Times, read, timed

Call = Callable[[bytes], Any]
FRAME = " to the frame"
"""What stands behind the name of a decoder where the picture is resized and cropped as well."""


def ours(files: Sequence[str], names: Sequence[str], repeats: int) -> Work:
    """Check and decode as the engine does; to the frame as well."""
    from roadworthy.pipeline.base import Pipeline, decode, frame_of, unpack

    def call(name: str) -> Call:
        pipeline = Pipeline(None, decoder=name)
        return lambda data: unpack(data, pipeline, name="x").image

    def framed(name: str) -> Call:
        pipeline = Pipeline((224, 224), decoder=name, resize_to=256)
        return lambda data: frame_of(decode(data, pipeline, name="x"), pipeline)

    return _work(files, names, repeats, call, framed)


def by_hand(files: Sequence[str], names: Sequence[str], repeats: int) -> Work:
    """Call the library, from the bytes of the file to bytes of pixels (H, W, 3); Pillow resizes."""
    from PIL import Image

    def call(name: str) -> Call:
        family, _, variant = name.partition("-")
        made: Call = globals()[f"_{family}"](variant)
        return made

    def framed(name: str) -> Call:
        decode = call(name)

        def make(data: bytes) -> Any:
            picture = Image.fromarray(decode(data))
            width, height = picture.size
            short = min(width, height)
            width, height = int(256 * width / short), int(256 * height / short)
            small = picture.resize((width, height), Image.Resampling.BILINEAR)
            left, top = round((width - 224) / 2), round((height - 224) / 2)
            return np.array(small.crop((left, top, left + 224, top + 224)))

        return make

    return _work(files, names, repeats, call, framed)


def _pillow(_: str) -> Call:
    from PIL import Image

    return lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _opencv(_: str) -> Call:
    import cv2

    cv2.setNumThreads(1)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION

    def call(data: bytes) -> Any:
        pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    return call


def _torchvision(_: str) -> Call:
    import torch
    from torchvision.io import ImageReadMode

    decode, mode = torch.ops.image.decode_jpeg, ImageReadMode.RGB.value

    def call(data: bytes) -> Any:
        encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return decode(encoded, mode).permute(1, 2, 0).numpy()

    return call


def _simplejpeg(variant: str) -> Call:
    from simplejpeg import decode_jpeg

    fast = {"fastdct": "ifast" in variant, "fastupsample": "no-fancy" in variant}
    return lambda data: decode_jpeg(data, **fast)


def _imagecodecs(_: str) -> Call:
    from imagecodecs import jpeg8_decode

    return lambda data: jpeg8_decode(data, outcolorspace="RGB")


def _pyvips(_: str) -> Call:
    import pyvips

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    return lambda data: pyvips.Image.new_from_buffer(data, "").numpy()


def _kornia(variant: str) -> Call:
    from kornia_rs import io as kornia

    if variant == "turbo":
        return lambda data: kornia.decode_image_jpegturbo(data, "rgb")
    return lambda data: kornia.decode_image_jpeg(data)


def _pyav(variant: str) -> Call:
    import av
    from av.video.reformatter import Interpolation as Way

    accurate = Way.BICUBIC | Way.ACCURATE_RND | Way.FULL_CHR_H_INT
    ways = {"": Way.BILINEAR, "bicubic": Way.BICUBIC, "point": Way.POINT, "accurate": accurate}

    def call(data: bytes) -> Any:
        codec: Any = av.CodecContext.create("mjpeg", "r")
        codec.thread_count = 1
        frames: list[Any] = [*codec.decode(av.Packet(data)), *codec.decode(None)]
        return frames[0].to_ndarray(format="rgb24", interpolation=ways[variant])

    return call


def _jpeglib(variant: str) -> Call:
    import tempfile

    import jpeglib

    library, _, method = variant.partition("-")
    jpeglib.version.set({"turbo": "turbo210"}.get(library, library))
    dct = jpeglib.JDCT_FLOAT if method else jpeglib.JDCT_ISLOW
    file = tempfile.NamedTemporaryFile(suffix=".jpg")  # noqa: SIM115 - lives as long as the race

    def call(data: bytes) -> Any:
        jpeglib.version.set({"turbo": "turbo210"}.get(library, library))
        file.seek(0)
        file.truncate()
        file.write(data)
        file.flush()
        return jpeglib.read_spatial(file.name, jpeglib.JCS_RGB, dct).spatial

    return call


def _work(
    files: Sequence[str],
    names: Sequence[str],
    repeats: int,
    call: Callable[[str], Call],
    framed: Callable[[str], Call],
) -> Work:
    encoded = [read(file) for file in files]
    calls = {name: call(name) for name in names} | {name + FRAME: framed(name) for name in names}

    def lap(one: Call) -> list[Pixels]:
        return [one(data) for data in encoded]

    def run(times: int) -> Times:
        parts: dict[str, tuple[float, float]] = {}
        sums: dict[str, int] = {}
        for name, one in calls.items():
            made, parts[name] = timed(partial(lap, one), times)
            sums[name] = sum(int(pixels.sum()) for pixels in made)
        return Times(parts, sums)

    return Work(
        run=lambda: run(repeats),
        warm=lambda: run(1),
        answer=lambda times: times.sums,
        parts=lambda times: times.parts,
    )
