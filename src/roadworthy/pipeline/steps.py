"""The steps themselves: bytes to picture, picture to resized, resized to frame."""

from __future__ import annotations

import math

import numpy as np

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import max_pixels, spaced
from roadworthy.pipeline.containers.base import Header
from roadworthy.pipeline.integrity import check, quoted
from roadworthy.pipeline.recipe import Pipeline, stages_of
from roadworthy.types import Image


def decode(data: bytes, pipeline: Pipeline, *, name: str) -> Image:
    """Check, decode, turn and colour-manage one file: uint8 RGB (H, W, 3), perhaps read-only.

    The file is checked before any decoder sees it, so that every decoder fails the same files.
    Raises SampleError, beginning with ``name``, for anything that is not a whole, sane image.
    """
    stages = stages_of(pipeline)
    header = check(data, name=name)
    try:
        target_size(header.height, header.width, pipeline)
        image = stages.decoder.function(header.pixels)
        image = stages.orient.function(image, header.exif)
        return _verified(stages.profile.function(image, data), header)
    except SampleError as error:
        raise SampleError(f"{quoted(name)}: {error}") from error
    except Exception as error:  # whatever a decoder raises on hostile bytes is the file's fault
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SampleError(
            f"{quoted(name)}: damaged {header.format}: {pipeline.decoder} cannot decode it "
            f"({reason}); copy the file again or leave it out"
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
    if pipeline.size is None:
        return height, width
    target: tuple[int, int] = stages_of(pipeline).geometry.function(height, width, pipeline)
    if target[0] * target[1] > max(max_pixels(), height * width):
        raise SampleError(
            f"{width} x {height} pixels would be resized to {spaced(target[1])} x "
            f"{spaced(target[0])}, above the bound of {spaced(max_pixels())} pixels; "
            f"leave it out or set ROADWORTHY_MAX_PIXELS"
        )
    return target


def shrinking(height: int, width: int, pipeline: Pipeline) -> float | None:
    """Return by how much a picture of this size is made smaller, as a mean of both sides.

    2 is half of each side, less than 1 an enlargement; None where nothing is resized.
    """
    if pipeline.size is None:
        return None
    inner = stages_of(pipeline).geometry.inner
    kept = [max(1, round(inner * side)) for side in (height, width)]
    target = target_size(height, width, pipeline)
    return math.sqrt(kept[0] * kept[1] / (target[0] * target[1]))


def resized(image: Image, pipeline: Pipeline) -> Image:
    """Return ``image`` after the resize and before the crop, uint8 (H, W, 3), perhaps read-only.

    A picture that already has the size asked for is returned as it is, as torchvision does.
    """
    stages = stages_of(pipeline)
    inner = stages.geometry.inner
    if pipeline.size is not None and inner < 1:
        kept = [max(1, round(inner * side)) for side in image.shape[:2]]
        image = centre_crop(image, (kept[0], kept[1]))
    height, width = image.shape[:2]
    target = target_size(height, width, pipeline)
    if target == (height, width):
        return image
    result: Image = stages.resizer.function(image, target, stages.kernel)
    return result


def framed(image: Image, pipeline: Pipeline) -> Image:
    """Return the centre crop of a resized image in the pipeline's colours: a new array, ``size``.

    Offsets are round-half-even of half the difference; what lies beyond the picture is black. With
    ``size=None`` the picture keeps its size.
    """
    stages = stages_of(pipeline)
    if pipeline.size is not None and image.shape[:2] != pipeline.size:
        image = centre_crop(image, pipeline.size, fill=stages.geometry.fill)
    result: Image = np.array(stages.colour.function(image), order="C")
    return result


def centre_crop(image: Image, size: tuple[int, int], *, fill: int = 0) -> Image:
    """Crop the centre (H, W), padding first where the picture is smaller, as torchvision does."""
    short = [max(0, want - have) for want, have in zip(size, image.shape[:2], strict=True)]
    if any(short):
        pads = [(lack // 2, lack - lack // 2) for lack in short]
        image = np.pad(image, (*pads, (0, 0)), constant_values=fill)
    top, left = (round((have - want) / 2) for have, want in zip(image.shape, size, strict=False))
    return image[top : top + size[0], left : left + size[1]]


def run(data: bytes, pipeline: Pipeline, *, name: str) -> Image:
    """Make the frame of one encoded file: uint8 RGB (H, W, 3); raises SampleError naming it."""
    return framed(resized(decode(data, pipeline, name=name), pipeline), pipeline)
