"""How a live object wants its picture: as bytes, as a Pillow picture, an array or a tensor."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.user_code import last_words
from roadworthy.preflight.base import BYTES, PICTURES, Subject
from roadworthy.preflight.probes.base import probes
from roadworthy.preflight.quietly import quietly

TRIED = "square_160"
_NUMBERS = (list, tuple, int, float, np.generic)


class NotAPictureError(RoadworthyError):
    """A pipeline returned something that is no array of numbers."""


def subject_of(thing: Any, *, spec: str = "") -> Subject:
    """Return a live pipeline as a `Subject`, having found out on one picture what it takes.

    ``thing`` is a callable of encoded bytes, of a Pillow picture (what torchvision's and timm's
    transforms take), of an array (H, W, 3) or of a tensor (3, H, W), both uint8 RGB, or a Hugging
    Face image processor, or a transform of albumentations. Where it takes pixels, Pillow decodes
    for it. One that fails whatever it is given is taken to want bytes, and has a note that says so.
    Raises UsageError for what cannot be called.
    """
    if isinstance(thing, Subject):
        return thing
    name = spec or str(getattr(thing, "__name__", type(thing).__name__))
    if not callable(thing):
        raise UsageError(f"'{name}' is no pipeline: {type(thing).__name__} cannot be called")
    said = []
    for takes, opened, call in _ways(thing):
        try:
            with quietly():
                to_array(call(opened(probes()[TRIED].data)))
        except (
            Exception,
            SystemExit,
        ) as error:  # any of these may simply be the wrong thing to hand over
            said.append(f"given {takes}: {last_words(error)}")
            continue
        return Subject(
            spec=name,
            give=partial(_given, opened, call),
            takes=takes,
            decoder="" if takes == BYTES else "pillow",
            library=library_of(thing),
        )
    note = f"makes no array of a plain PNG, however it is called: {'; '.join(said)}"
    return Subject(spec=name, give=partial(_given, bytes, thing), notes=(note,))


def _given(
    opened: Callable[[bytes], Any], call: Callable[[Any], Any], name: str, data: bytes
) -> Any:
    del name
    return call(opened(data))


def _ways(thing: Any) -> Iterator[tuple[str, Callable[[bytes], Any], Callable[[Any], Any]]]:
    module = type(thing).__module__
    if hasattr(thing, "preprocess") and "image" in type(thing).__name__.lower():
        yield PICTURES, picture, lambda image: thing(images=image, return_tensors="np")
        return
    if module.startswith(("albumentations", "albumentationsx")):
        yield "arrays", array, lambda pixels: thing(image=pixels)
        return
    yield BYTES, bytes, thing
    yield PICTURES, picture, thing
    yield "arrays", array, thing
    yield "tensors", _tensor, thing


def library_of(thing: Any) -> str:
    """Return the package that the type of a live object comes from, or an empty text."""
    module = thing.__module__ if hasattr(thing, "__code__") else type(thing).__module__
    package = str(module).partition(".")[0]
    return package if package in ("torchvision", "timm", "transformers", "albumentations") else ""


def picture(data: bytes) -> PillowImage.Image:
    """Return a file as loaders open it: Pillow, in RGB, orientation and profile ignored."""
    with PillowImage.open(io.BytesIO(data)) as file:
        return file.convert("RGB")


def array(data: bytes) -> NDArray[np.uint8]:
    """Return a file as RGB pixels, uint8 (H, W, 3)."""
    return np.array(picture(data))


def _tensor(data: bytes) -> Any:
    import torch

    return torch.from_numpy(array(data)).permute(2, 0, 1).contiguous()


def to_array(given: Any) -> NDArray[Any]:
    """Return what a pipeline returned as an array of numbers; raises NotAPictureError otherwise.

    Understood are arrays, tensors and Pillow pictures, alone, in a list or tuple that starts with
    one, or in a mapping under ``pixel_values``, ``image``, ``images`` or as the only value.
    """
    for _ in range(4):
        if isinstance(given, Mapping) or hasattr(given, "keys"):
            given = _of_mapping(given)
        elif isinstance(given, list | tuple) and given and not isinstance(given[0], _NUMBERS):
            given = given[0]
        else:
            break
    if isinstance(given, PillowImage.Image):
        given = np.asarray(given)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.Tensor):
        given = given.detach().cpu()
        given = given.float().numpy() if given.dtype == torch.bfloat16 else given.numpy()
    found = np.asarray(given) if hasattr(given, "__array__") or isinstance(given, list) else given
    if not isinstance(found, np.ndarray):
        raise NotAPictureError(f"returned {type(given).__name__}, expected an array or a tensor")
    if found.dtype.kind not in "uif":
        raise NotAPictureError(f"returned {found.dtype} values, expected numbers")
    if found.ndim < 1 or not found.size:
        raise NotAPictureError(f"returned an array of shape {found.shape}, expected a picture")
    return found


def _of_mapping(given: Any) -> Any:
    for key in ("pixel_values", "image", "images"):
        if key in given:
            return given[key]
    values = list(given.values())
    if len(values) != 1:
        raise NotAPictureError(f"returned a mapping of {', '.join(map(str, given.keys()))[:80]}")
    return values[0]
