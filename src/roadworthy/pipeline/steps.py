"""The steps themselves: bytes to picture, picture to resized, resized to frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import max_pixels, spaced
from roadworthy.pipeline.containers.base import Header
from roadworthy.pipeline.integrity import check, quoted
from roadworthy.pipeline.recipe import Pipeline, Stages, stages_of
from roadworthy.pipeline.stages import Part
from roadworthy.types import Image


@dataclass(frozen=True)
class Unpacked:
    """A checked file and its picture as stored: uint8 RGB (H, W, 3), perhaps read-only."""

    image: Image
    header: Header


def decode(data: bytes, pipeline: Pipeline, *, name: str) -> Image:
    """Check, decode, turn and colour-manage one file: uint8 RGB (H, W, 3), perhaps read-only.

    The file is checked before any decoder sees it, so that every decoder fails the same files.
    Raises SampleError, beginning with ``name``, for anything that is not a whole, sane image.
    """
    return corrected(unpack(data, pipeline, name=name), pipeline, name=name)


def unpack(data: bytes, pipeline: Pipeline, *, name: str) -> Unpacked:
    """Check and decode one file, neither turned nor colour-managed; raises SampleError as `decode`."""
    stages = stages_of(pipeline)
    header = check(data, name=name)
    with _blamed(header, f"{pipeline.decoder} cannot decode it", name):
        target_size(header.height, header.width, pipeline)
        image = _another_way(header, stages) if stages.layouts else None
        if image is None:
            image = stages.decoder.function(header.pixels)
        return Unpacked(_verified(image, header), header)


def _another_way(header: Header, stages: Stages) -> Image | None:
    from roadworthy.pipeline.layouts import another_way

    return another_way(header, stages)


def corrected(unpacked: Unpacked, pipeline: Pipeline, *, name: str) -> Image:
    """Turn and colour-manage an unpacked file; raises SampleError as `decode`."""
    stages, header = stages_of(pipeline), unpacked.header
    with _blamed(header, "it cannot be turned or colour-managed", name):
        image = stages.orient.function(unpacked.image, header.exif)
        return _verified(stages.profile.function(image, header.icc), header)


@contextmanager
def _blamed(header: Header, what: str, name: str) -> Iterator[None]:
    try:
        yield
    except SampleError as error:
        raise SampleError(f"{quoted(name)}: {error}") from error
    except Exception as error:  # whatever a library raises on hostile bytes is the file's fault
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SampleError(
            f"{quoted(name)}: damaged {header.format}: {what} ({reason}); "
            f"copy the file again or leave it out"
        ) from error


def _verified(image: Image, header: Header) -> Image:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise SampleError(f"the decoder returned {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    if sorted(image.shape[:2]) != sorted((header.height, header.width)):
        raise SampleError(
            f"damaged {header.format}: the header says {header.width} x {header.height} pixels, "
            f"the picture has {image.shape[1]} x {image.shape[0]}; leave it out"
        )
    return image


def target_size(height: int, width: int, pipeline: Pipeline) -> tuple[int, int]:
    """Return the size (H, W) that a picture of this size is resized to before the crop.

    Raises SampleError where a very long, thin picture would become larger than the pixel bound.
    """
    return _fitted(height, width, pipeline)[1]


def part_of(height: int, width: int, pipeline: Pipeline) -> Part:
    """Return which part of a picture of this size is resized: top, left, height, width."""
    return _fitted(height, width, pipeline)[0]


def _fitted(height: int, width: int, pipeline: Pipeline) -> tuple[Part, tuple[int, int]]:
    """Return which part of a picture is resized, and to what."""
    geometry = stages_of(pipeline).geometry
    part: Part = (0, 0, height, width)
    if pipeline.size is None:
        return part, (height, width)
    if geometry.part is not None:
        part = geometry.part(height, width, pipeline)
    target: tuple[int, int] = geometry.function(part[2], part[3], pipeline)
    if target[0] * target[1] > max(max_pixels(), height * width):
        raise SampleError(
            f"{width} x {height} pixels would be resized to {spaced(target[1])} x "
            f"{spaced(target[0])}, above the bound of {spaced(max_pixels())} pixels; "
            f"leave it out or set ROADWORTHY_MAX_PIXELS"
        )
    return part, target


def shrinking(height: int, width: int, pipeline: Pipeline) -> float | None:
    """Return by how much a picture of this size is made smaller, as a mean of both sides.

    2 is half of each side, less than 1 an enlargement; None where nothing is resized.
    """
    if pipeline.size is None:
        return None
    (_, _, rows, columns), target = _fitted(height, width, pipeline)
    return math.sqrt(rows * columns / (target[0] * target[1]))


def resized(image: Image, pipeline: Pipeline) -> Image:
    """Return ``image`` after the resize and before the crop, uint8 (H, W, 3), perhaps read-only.

    A picture that already has the size asked for is not resized, as torchvision does.
    """
    image, target = _to_resize(image, pipeline)
    if target == image.shape[:2]:
        return image
    return _resize(image, target, pipeline)


def _to_resize(image: Image, pipeline: Pipeline) -> tuple[Image, tuple[int, int]]:
    """Return the part of a picture that is resized, as the resize gets it, and its size (H, W) then."""
    yuv = stages_of(pipeline).yuv
    if yuv is not None:
        image = yuv.function(image)
    rows, columns = image.shape[:2]
    (top, left, height, width), target = _fitted(rows, columns, pipeline)
    if (height, width) != (rows, columns):
        image = image[top : top + height, left : left + width]
    return image, target


def _resize(
    image: Image, target: tuple[int, int], pipeline: Pipeline, part: Part | None = None
) -> Image:
    """Return ``image`` resized to ``target``, or that part of the result."""
    stages = stages_of(pipeline)
    try:
        if part is None or stages.resizer.part is None:
            resize = partial(stages.resizer.function, kernel=stages.kernel)
            result: Image = stages.light.function(image, target, resize)
        else:
            result = stages.resizer.part(image, target, stages.kernel, part)
    except SampleError:
        raise
    except Exception as error:  # libraries have limits of their own, each with its own exception
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        height, width = image.shape[:2]
        raise SampleError(
            f"{pipeline.resize} cannot resize {width} x {height} pixels to {target[1]} x {target[0]} "
            f"({reason}); leave the image out or take another resizer"
        ) from error
    return result


def framed(image: Image, pipeline: Pipeline) -> Image:
    """Return the frame of a resized image in the pipeline's colours: a new array, ``size``.

    Where it begins and what lies beyond the picture is up to the geometry: the centre, and black,
    unless it says otherwise. With ``size=None`` the picture keeps its size.
    """
    stages = stages_of(pipeline)
    if pipeline.size is not None and image.shape[:2] != pipeline.size:
        fill = stages.geometry.fill if pipeline.fill is None else pipeline.fill
        image = window(image, pipeline.size, offset=stages.geometry.offset, fill=fill)
    result: Image = np.array(stages.colour.function(image), order="C")
    return result


def frame_of(image: Image, pipeline: Pipeline) -> Image:
    """Return the frame of a decoded image, what `framed` makes of what `resized` makes of it.

    Where the resizer can, nothing but the frame is computed: most of what is resized is cropped.
    """
    stages, size = stages_of(pipeline), pipeline.size
    if size is None or stages.resizer.part is None or stages.light.name != "encoded":
        return framed(resized(image, pipeline), pipeline)
    image, target = _to_resize(image, pipeline)
    begin = [stages.geometry.offset(have, want) for have, want in zip(target, size, strict=True)]
    inside = all(b >= 0 and b + w <= t for b, w, t in zip(begin, size, target, strict=True))
    if target == image.shape[:2] or target == size or not inside:
        done = image if target == image.shape[:2] else _resize(image, target, pipeline)
        return framed(done, pipeline)
    return framed(_resize(image, target, pipeline, (begin[0], begin[1], *size)), pipeline)


def window(
    image: Image,
    size: tuple[int, int],
    *,
    offset: Callable[[int, int], int],
    fill: int | tuple[int, int, int],
) -> Image:
    """Return ``size`` (H, W) of an image from ``offset(have, want)`` on, ``fill`` beyond its edge."""
    begin = [offset(have, want) for have, want in zip(image.shape[:2], size, strict=True)]
    seen = image[tuple(slice(max(0, b), b + want) for b, want in zip(begin, size, strict=True))]
    if seen.shape[:2] == size:
        return seen
    whole = np.empty((*size, 3), np.uint8)
    whole[:] = fill
    top, left = (max(0, -b) for b in begin)
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return whole


def run(data: bytes, pipeline: Pipeline, *, name: str) -> Image:
    """Make the frame of one encoded file: uint8 RGB (H, W, 3); raises SampleError naming it."""
    return frame_of(decode(data, pipeline, name=name), pipeline)
