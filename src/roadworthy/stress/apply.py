"""A stress on one picture, exactly as the engine and ``make`` apply it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import RoadworthyError, SampleError
from roadworthy.pipeline.base import Pipeline, framed
from roadworthy.seed import rng_for
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.draws import FastDraws
from roadworthy.types import Image


def draws_for(
    definition: StressDefinition, key: str, *, sample: str, seed: int
) -> dict[str, FastDraws]:
    """Return the argument ``rng`` of a stress on one sample under the variant ``key``, if it draws."""
    return (
        {"rng": draws_of(definition, key, sample=sample, seed=seed)}
        if definition.takes_draws
        else {}
    )


def draws_of(definition: StressDefinition, key: str, *, sample: str, seed: int) -> FastDraws:
    """Return the draws that belong to a stress on one sample under the variant ``key``."""
    return FastDraws(rng_for(seed, definition.name, definition.version, sample, key))


def corrupted(one: Stress, setting: Setting, image: Image, *, sample: str, seed: int) -> Image:
    """Return a frame, uint8 (H, W, 3), under one variant of an IMAGE stress, kept as it says.

    Raises SampleError, naming the sample, for whatever the stress raises or wrongly returns.
    """
    definition = one.definition
    arguments = definition.arguments_on(image.shape, setting.arguments)
    arguments |= draws_for(definition, setting.key, sample=sample, seed=seed)
    with _naming(one, sample):
        result = _checked(definition.function(image, **arguments), image.shape)
        return result if one.store is None else _checked(one.store.frame(result), image.shape)


def kept(
    one: Stress, setting: Setting, image: Image, *, sample: str, seed: int
) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of a frame one variant of an IMAGE stress leaves as they are."""
    definition = one.definition
    assert definition.keeps is not None
    arguments = definition.arguments_on(image.shape, setting.arguments)
    arguments |= draws_for(definition, setting.key, sample=sample, seed=seed)
    with _naming(one, sample):
        return definition.keeps(image, **arguments)


def sequence(
    one: Stress,
    arguments: Mapping[str, Any],
    image: Image,
    pipeline: Pipeline,
    *,
    sample: str,
    **draws: Any,
) -> Iterator[Image]:
    """Yield the cropped frames, uint8 (H, W, 3), that a sequence stress makes of a resized picture.

    Frames are made one at a time, unless they are stored as one film in between. Raises SampleError,
    naming the sample, for whatever the stress raises or wrongly yields.
    """
    frames = _frames(one, arguments, image, pipeline, draws)
    while True:
        with _naming(one, sample):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def _frames(
    one: Stress,
    arguments: Mapping[str, Any],
    image: Image,
    pipeline: Pipeline,
    draws: Mapping[str, Any],
) -> Iterator[Image]:
    made = one.definition.function(image, **arguments, **draws)
    frames = (framed(_checked(frame, image.shape), pipeline) for frame in made)
    if one.store is None:
        yield from frames
        return
    tables = one.definition.tables
    noise = tables is not None and tables.compare == "first"
    yield from one.store.sequence(list(frames), noise=noise)


@contextmanager
def _naming(one: Stress, sample: str) -> Iterator[None]:
    """Turn whatever a stress raises into a SampleError that names the sample."""
    named = f'"{sample}": '
    try:
        yield
    except SampleError as error:
        if str(error).startswith(named):
            raise
        raise SampleError(f"{named}{error}") from error
    except RoadworthyError:
        raise
    except Exception as error:
        raise SampleError(f"{named}{one.name} failed: {type(error).__name__}: {error}") from error


def _checked(result: object, shape: tuple[int, ...]) -> Image:
    image = np.asarray(result)
    if image.shape != shape or image.dtype != np.uint8:
        raise ValueError(f"gave {image.dtype} {image.shape}, expected uint8 like its input")
    return image
