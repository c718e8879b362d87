"""A judged picture made again, from its file and its record: clean, and under the stress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.errors import RoadworthyError
from roadworthy.report.cells import entries, key_of, text_of
from roadworthy.report.view import View
from roadworthy.types import Image, Tap

if TYPE_CHECKING:
    from roadworthy.pipeline.base import Pipeline
    from roadworthy.stress.bound import Setting, Stress


FAULTS = (RoadworthyError, ImportError, LookupError, ValueError, TypeError, OSError)
"""What data that changed, packages that are missing and stresses of another version may raise."""


@dataclass(frozen=True)
class Rebuilt:
    """The frame that a model saw, uint8 (H, W, 3), clean and stressed; None and ``why`` where not."""

    clean: Image | None
    stressed: Image | None
    why: str = ""


def rebuild(view: View, entry: Mapping[str, Any]) -> Rebuilt:
    """Return the frames of an entry of ``images`` in a summary; never raises for what is missing."""
    data = view.image(key_of(entry, "data"), key_of(entry, "sample"))
    if data is None:
        return Rebuilt(None, None, "the image is no longer where it was")
    clean = None
    try:
        clean = _clean(entry, data)
        return _stressed(view, entry, data, clean)
    except FAULTS as error:
        return Rebuilt(clean, None, f"cannot be made again: {error}")


def _clean(entry: Mapping[str, Any], data: bytes) -> Image:
    from roadworthy.pipeline.base import run

    text = text_of(entry, "clean_pipeline") or text_of(entry, "pipeline")
    return run(data, pipeline_of(text), name=key_of(entry, "sample"))


def _stressed(view: View, entry: Mapping[str, Any], data: bytes, clean: Image) -> Rebuilt:
    from roadworthy.pipeline.base import run

    name, own = key_of(entry, "sample"), pipeline_of(text_of(entry, "pipeline"))
    axis = text_of(entry, "axis")
    if axis == "clean":
        return Rebuilt(clean, None)
    if axis == "adversarial":
        return _attacked(view, entry, clean)
    if axis == "overinterpretation":
        from roadworthy.report.subsets.pieces import piece_of

        piece = piece_of(view, entry)
        return Rebuilt(clean, piece.shown, piece.why)
    one, setting = _bound(entry)
    seed = seed_of(view, entry)
    tap = one.definition.tap
    if tap is Tap.MODEL:
        return Rebuilt(clean, None, "the picture is the same, the model is another")
    if tap is Tap.PIPELINE:
        return Rebuilt(clean, run(data, own, name=name))
    if tap is Tap.BYTES:
        return Rebuilt(clean, run(_recoded(one, setting, data, own, name, seed), own, name=name))
    if tap is Tap.RESIZED:
        return Rebuilt(clean, _frame(one, setting, data, own, name, seed, entry.get("frame")))
    if tap is Tap.IMAGE and not one.definition.measures:
        from roadworthy.stress.apply import corrupted

        frame = run(data, own, name=name)
        return Rebuilt(clean, corrupted(one, setting, frame, sample=name, seed=seed))
    return Rebuilt(clean, None, "what the stress made of it is not kept")


def pipeline_of(text: str) -> Pipeline:
    """Return the pipeline that a record names; raises RoadworthyError for what is none."""
    from roadworthy.pipeline.base import Pipeline, validate
    from roadworthy.spec import parse

    known = {name: _value(name, value) for name, value in parse(text).params}
    return validate(Pipeline(**{"size": None, **known}))


def _value(name: str, value: Any) -> Any:
    if name == "size" and isinstance(value, int):
        return (value, value)
    number = isinstance(value, int | float | tuple) or value is None
    return value if number else str(value)


def _bound(entry: Mapping[str, Any]) -> tuple[Stress, Setting]:
    from roadworthy.stress.bound import stress

    one, variant = stress(text_of(entry, "stress")), text_of(entry, "variant")
    found = [setting for setting in one.settings if setting.key == variant]
    if not found:
        raise LookupError(f"{one.name} has no variant '{variant}' here")
    return one, found[0]


def _attacked(view: View, entry: Mapping[str, Any], clean: Image) -> Rebuilt:
    kept = view.artifact(entry)
    if kept is None:
        return Rebuilt(clean, None, "what the attack found is not kept; run with --keep")
    pixels = np.clip(np.rint(255 * kept.transpose(1, 2, 0)), 0, 255)
    return Rebuilt(clean, pixels.astype(np.uint8))


def _recoded(
    one: Stress, setting: Setting, data: bytes, own: Pipeline, name: str, seed: int
) -> bytes:
    from roadworthy.pipeline.base import decode
    from roadworthy.stress.apply import draws_for
    from roadworthy.stress.base import Encoded

    draws = draws_for(one.definition, setting.key, sample=name, seed=seed)
    encoded = Encoded(data, decode(data, own, name=name))
    made: bytes = one.definition.function(encoded, **setting.arguments, **draws)
    return made


def _frame(
    one: Stress, setting: Setting, data: bytes, own: Pipeline, name: str, seed: int, number: Any
) -> Image | None:
    """Return one frame of a sequence, counted from 1; the last one without a number."""
    from roadworthy.pipeline.base import decode, framed, resized
    from roadworthy.stress.apply import draws_for, sequence

    picture, tables = resized(decode(data, own, name=name), own), one.definition.tables
    if tables is None:
        return None
    height, width = framed(picture, own).shape[:2]
    arguments = tables.on((height, width), setting.arguments).arguments
    draws = draws_for(one.definition, setting.key, sample=name, seed=seed)
    frames = sequence(one, arguments, picture, own, sample=name, **draws)
    wanted = number if isinstance(number, int) and number > 0 else arguments["frames"]
    return next(islice(frames, wanted - 1, None), None)


def seed_of(view: View, entry: Mapping[str, Any]) -> int:
    """Return the seed of the newest invocation that asked for the cell of ``entry``."""
    seed = 0
    for run in view.runs:
        options = run.get("options")
        asked = any(
            cell.get("stress") == entry.get("stress") and cell.get("data") == entry.get("data")
            for cell in entries(run, "cells")
        )
        if asked and isinstance(options, Mapping):
            seed = int(options.get("seed") or 0)
    return seed
