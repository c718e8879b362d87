"""Channel means and standard deviations, by number or by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.models.base import Stats

Word = Literal["imagenet", "half", "none"]

MEANS: dict[str, Stats] = {
    "imagenet": (0.485, 0.456, 0.406),
    "half": (0.5, 0.5, 0.5),
    "none": (0.0, 0.0, 0.0),
}
DEVIATIONS: dict[str, Stats] = {
    "imagenet": (0.229, 0.224, 0.225),
    "half": (0.5, 0.5, 0.5),
    "none": (1.0, 1.0, 1.0),
}


def statistics(mean: object, std: object) -> tuple[Stats, Stats]:
    """Return (mean, std) per channel in units of [0, 1]; None and ``none`` mean no normalisation.

    Raises UsageError for another word, for values that are not three finite numbers, for a
    deviation that is not positive, and for values on the 0..255 scale.
    """
    shift, scale = _three("mean", mean, MEANS), _three("std", std, DEVIATIONS)
    if min(scale) <= 0:
        raise UsageError(f"std must be positive in every channel, not {scale}")
    if max(map(abs, shift)) > 2 or max(scale) > 2:
        raise UsageError(
            f"mean and std are in units of [0, 1], not of 0..255: mean={shift}, std={scale}; "
            "divide them by 255"
        )
    return shift, scale


def _three(what: str, value: object, words: dict[str, Stats]) -> Stats:
    if value is None:
        return words["none"]
    if isinstance(value, str):
        if value not in words:
            raise UsageError(
                f"{what} is three numbers or one of {', '.join(words)}, not '{value}'"
                f"{did_you_mean(value, words)}"
            )
        return words[value]
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    try:
        numbers = [float(v) for v in given]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise UsageError(f"{what} is one number for each of the 3 channels, not {value!r}")
    return numbers[0], numbers[1], numbers[2]


def mean_of(model: Any) -> Stats:
    """Return the colour in [0, 1] that the normalisation of a classifier makes 0.

    Of several models that judge as one it is their mean. Black for a model that says nothing.
    """
    own = getattr(model, "mean", None)
    if isinstance(own, tuple):
        return own[0], own[1], own[2]
    members = getattr(model, "members", None) or [getattr(model, "model", None)]
    known = [mean_of(member) for member in members if member is not None]
    if not known:
        return 0.0, 0.0, 0.0
    red, green, blue = (math.fsum(parts) / len(known) for parts in zip(*known, strict=True))
    return red, green, blue
