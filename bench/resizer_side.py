"""Every resizer on photographs: our stage, and the library called by hand for the same bytes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from bench.race import Parts, Work

Pixels = NDArray[np.uint8]
Make = Callable[[], Pixels]
Prepare = Callable[[Pillow.Image, str], Make]
SHORT, FRAME = 256, 224
WHOLE = "decode and resize"


@dataclass(frozen=True)
class Times:
    """Wall and processor seconds for all photographs once, by filter and from the files on.

    ``sums`` are the sums of the bytes made.
    """

    parts: Parts
    sums: dict[str, int]


def ours(files: Sequence[str], family: str, filters: Sequence[str], repeats: int) -> Work:
    """Make frames as the engine does, of what a decoder returns and of files."""
    from roadworthy.pipeline.base import Pipeline, run
    from roadworthy.pipeline.steps import frame_of

    def pipeline(kernel: str) -> Pipeline:
        return Pipeline((FRAME, FRAME), resize=f"{family}-{kernel}", resize_to=SHORT)

    def prepared(picture: Pillow.Image, kernel: str) -> Make:
        pixels, recipe = np.asarray(picture), pipeline(kernel)
        return lambda: frame_of(pixels, recipe)

    def whole(data: bytes, kernel: str) -> Pixels:
        return run(data, pipeline(kernel), name="photograph")

    return _work(files, filters, repeats, prepared, whole)


def by_hand(files: Sequence[str], family: str, filters: Sequence[str], repeats: int) -> Work:
    """Call the library on what its own reader would hold, and crop: to an array (224, 224, 3).

    Files are read by Pillow, and handed to the library as its documentation says.
    """
    calls = globals()[f"_{family}"]

    def prepared(picture: Pillow.Image, kernel: str) -> Make:
        width, height = picture.size
        short = min(width, height)
        size = (int(SHORT * height / short), int(SHORT * width / short))
        made: Make = calls(picture, size, kernel)
        top, left = (round((side - FRAME) / 2) for side in size)
        return lambda: np.ascontiguousarray(made()[top : top + FRAME, left : left + FRAME])

    def whole(data: bytes, kernel: str) -> Pixels:
        return prepared(Pillow.open(io.BytesIO(data)).convert("RGB"), kernel)()

    return _work(files, filters, repeats, prepared, whole)


def _pillow(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    filtering = Pillow.Resampling[kernel.upper()]
    return lambda: np.asarray(picture.resize(size[::-1], filtering))


def _opencv(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    import cv2

    cv2.setNumThreads(1)
    pixels = np.array(picture)
    flag = getattr(cv2, f"INTER_{kernel.upper().replace('-', '_')}")
    return lambda: np.asarray(cv2.resize(pixels, size[::-1], interpolation=flag))


def _torch(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    import torch
    from torch.nn.functional import interpolate

    mode = kernel.removesuffix("-antialias")
    corners = False if mode in ("bilinear", "bicubic") else None
    tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    chosen: dict[str, Any] = {"align_corners": corners, "antialias": kernel != mode}

    def make() -> Pixels:
        result: Any = interpolate(tensor.float(), size, mode=mode, **chosen)
        return np.asarray(result.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0))

    return make


def _torchvision(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    import torch
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    mode, _, antialias = kernel.partition("-")
    tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    chosen = {"interpolation": InterpolationMode(mode), "antialias": bool(antialias)}
    return lambda: np.asarray(resize(tensor, list(size), **chosen).permute(1, 2, 0))


def _skimage(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    from skimage.transform import resize

    name, _, antialias = kernel.partition("-")
    order = {"nearest": 0, "bilinear": 1, "bicubic": 3}[name]
    chosen = {"order": order, "anti_aliasing": bool(antialias), "preserve_range": True}
    pixels = np.array(picture)
    return lambda: np.rint(resize(pixels, size, **chosen)).astype(np.uint8)


def _pyvips(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    import pyvips

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    width, height = picture.size
    image = pyvips.Image.new_from_memory(picture.tobytes(), width, height, 3, "uchar")
    across, down = size[1] / width, size[0] / height
    return lambda: np.asarray(image.resize(across, vscale=down, kernel=kernel).numpy())


def _swscale(picture: Pillow.Image, size: tuple[int, int], kernel: str) -> Make:
    import av
    from av.video.reformatter import VideoReformatter

    frame = av.VideoFrame.from_ndarray(np.array(picture), format="rgb24")
    name = {"experimental": "X"}.get(kernel, kernel.upper().replace("-", "_"))
    settings: dict[str, Any] = {"interpolation": name, "threads": 1}

    def make() -> Pixels:
        scaler = VideoReformatter()  # as every frame has its own
        return np.asarray(
            scaler.reformat(frame, size[1], size[0], "rgb24", **settings).to_ndarray()
        )

    return make


def _work(
    files: Sequence[str],
    filters: Sequence[str],
    repeats: int,
    prepared: Prepare,
    whole: Callable[[bytes, str], Pixels],
) -> Work:
    data = [read(file) for file in files]
    pictures = [Pillow.open(io.BytesIO(one)).convert("RGB") for one in data]
    makes = {kernel: [prepared(p, kernel) for p in pictures] for kernel in filters}

    def run(times: int) -> Times:
        parts: dict[str, tuple[float, float]] = {}
        sums: dict[str, int] = {}
        for kernel, calls in makes.items():
            made, parts[kernel] = timed(lambda calls=calls: [call() for call in calls], times)  # type: ignore[misc]
            sums[kernel] = sum(int(one.sum()) for one in made)
        every = [(one, kernel) for kernel in filters for one in data]
        _, parts[WHOLE] = timed(lambda: [whole(*one) for one in every], 1)
        return Times(parts, sums)

    return Work(
        run=lambda: run(repeats),
        warm=lambda: run(1),
        answer=lambda times: times.sums,
        parts=lambda times: times.parts,
    )


def timed(work: Callable[[], list[Pixels]], times: int) -> tuple[list[Pixels], tuple[float, float]]:
    """Return what ``work`` makes, and its wall and processor seconds as a mean of ``times``."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        made = work()
    return made, ((time.perf_counter() - wall) / times, (time.process_time() - cpu) / times)


def read(file: str) -> bytes:
    """Return the bytes of a file."""
    with open(file, "rb") as opened:
        return opened.read()
