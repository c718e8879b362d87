"""The options that every model takes, whatever provides it: its frame and facts about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.models.base import ModelDefinition
from roadworthy.pipeline.base import Pipeline, validate
from roadworthy.registry import Parameter, parameters_of
from roadworthy.types import Metadata

SMALL = 128
"""Frames of at least this many pixels are cropped from a larger resize, unless a card says more."""

COLOURS = ("profile", "yuv", "light", "colour")

MAX_SIZE = 4096


@dataclass(frozen=True, kw_only=True)
class Options:
    """Overrides of a model's pipeline and metadata; None keeps what its card says.

    ``size`` is the frame, as one number or (height, width); ``crop`` the fraction of the resized
    image that it covers; the other pipeline options name stages.
    """

    size: int | tuple[int, int] | None = None
    crop: float | None = None
    resize: str | None = None
    geometry: str | None = None
    decoder: str | None = None
    orient: str | None = None
    profile: str | None = None
    yuv: str | None = None
    light: str | None = None
    colour: str | None = None
    family: str | None = None
    training: str | None = None
    pretraining: str | None = None


OPTIONS = parameters_of(Options)
KEEP = Options()


def parameters(definition: ModelDefinition) -> tuple[Parameter, ...]:
    """Return all parameters of a provider: its own, then the options every model takes."""
    own = {p.name for p in definition.parameters}
    return (*definition.parameters, *(p for p in OPTIONS if p.name not in own))


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], Options]:
    """Separate resolved parameters into a provider's own and the options."""
    names = {f.name for f in fields(Options)}
    own = {k: v for k, v in values.items() if k not in names}
    return own, Options(**{k: v for k, v in values.items() if k in names})


def with_options(pipeline: Pipeline | None, options: Options) -> Pipeline:
    """Return ``pipeline`` with the user's options; raises UsageError where one is not possible.

    None means that no card says anything: then images keep their own size unless ``size`` is
    given, and frames of 128 pixels or more cover 0.875 of the resized image, as is customary.
    """
    size = _frame(options.size)
    if pipeline is None:
        pipeline = Pipeline(size, crop=0.875 if size and min(size) >= SMALL else 1.0)
    stages = ("crop", "resize", "geometry", "decoder", "orient", *COLOURS)
    given: dict[str, Any] = {k: getattr(options, k) for k in stages}
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if size is not None:
        changes["size"] = size
    if "crop" in changes or "size" in changes:
        changes["resize_to"] = None
    return validate(replace(pipeline, **changes))


def with_facts(metadata: Metadata, options: Options) -> Metadata:
    """Return ``metadata`` with the facts that the user states."""
    stated = {
        k: v for k, v in asdict(options).items() if k in ("family", "training", "pretraining")
    }
    return replace(metadata, **{k: v for k, v in stated.items() if v is not None})


def _frame(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    frame = (size, size) if isinstance(size, int) else tuple(size)
    if len(frame) != 2 or not all(1 <= side <= MAX_SIZE for side in frame):
        raise UsageError(
            f"size is the frame in pixels, one number or (height, width) of 1 to {MAX_SIZE}, "
            f"not {size}"
        )
    return frame
