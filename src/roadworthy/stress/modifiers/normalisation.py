"""The classifier with its input normalised wrongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from roadworthy.errors import UsageError
from roadworthy.models.base import Stats
from roadworthy.models.statistics import Word, statistics
from roadworthy.stress.base import modifier
from roadworthy.types import Classifier

Mistake = Literal[
    "imagenet",
    "half",
    "clip",
    "unnormalised",
    "undivided",
    "divided_twice",
    "caffe",
    "swapped",
]


def _check(arguments: Mapping[str, Any]) -> None:
    mean, std = arguments.get("mean"), arguments.get("std")
    if "mistake" in arguments and (mean is not None or std is not None):
        raise UsageError("normalisation: give either a mistake or mean and std, not both")
    statistics(mean, std)


def _alter(arguments: Mapping[str, Any]) -> Callable[..., Any]:
    from roadworthy.models.alterations.normalise import MISTAKES, Way, normalised_by

    mistake = arguments.get("mistake")
    if mistake is not None:
        return partial(normalised_by, change=MISTAKES[mistake])
    way = Way(*statistics(arguments.get("mean"), arguments.get("std")))
    return partial(normalised_by, change=lambda _: way)


def _applies(model: Classifier, size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.alterations.base import check_changes

    check_changes(model, _alter(arguments), size, "this normalisation", "it is its own")


@modifier(check=_check, applies=_applies)
def normalisation(
    model: Classifier,
    *,
    mistake: Mistake | None = None,
    mean: Stats | Word | None = None,
    std: Stats | Word | None = None,
) -> Classifier:
    """Normalise the input by ``mean`` and ``std`` (in units of [0, 1]), or as in a usual ``mistake``.

    With neither the input stays in [0, 1]. Mistakes are the constants of ``imagenet``, ``half`` (0.5)
    and ``clip``, ``unnormalised``, its own on values from 0 to 255 (``undivided``) or divided by 255
    once more (``divided_twice``), ``caffe`` (blue before red, 0 to 255, only the mean taken off), and
    its mean and std ``swapped``. Raises UsageError for numbers that mean nothing, InapplicableError
    where it is the network's own way.
    """
    from roadworthy.models.networks import changed

    given = {"mistake": mistake, "mean": mean, "std": std}
    return changed(model, _alter(given), "another normalisation")
