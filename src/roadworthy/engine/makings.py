"""What models make of samples once and keep, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from roadworthy.pipeline.base import Pipeline, probe_hash
from roadworthy.seed import digest
from roadworthy.stress.bound import Stress
from roadworthy.stress.ranking import Wanted

if TYPE_CHECKING:
    from roadworthy.engine.plan import Judge
    from roadworthy.types import Classifier

Size = tuple[int, int]


@dataclass(frozen=True)
class Making:
    """Something that the model ``maker`` makes of samples, once: ``key`` names all that decides it.

    A ranking makes what is ``wanted``. What the judge made itself of what another model ranked, to be
    compared, is a ``peer``.
    """

    key: str
    maker: Judge
    wanted: Wanted | None = None
    peer: bool = False


def rankings(
    one: Stress, maker: Judge, data: str, pipeline: Pipeline, size: Size, seed: int
) -> tuple[Making, ...]:
    """Return what a ranking wants ``maker`` to make of the samples of ``data`` in a frame.

    Keys cover nothing of what is cut out of it: another threshold is no reason to make it again.
    """
    definition = one.definition
    ranking, by = definition.ranking, maker.model
    assert ranking is not None
    every = (
        wanted
        for s in one.settings
        for wanted in ranking.wants(s.arguments, ranking.grid(s.arguments, by, size))
    )
    frame = (*size, probe_hash(pipeline))
    named = ("ranked", definition.name, definition.version, data, maker.spec, maker.model.id)
    return tuple(
        Making(digest(*named, wanted.digest, *frame, seed), maker, wanted)
        for wanted in {w.digest: w for w in every}.values()
    )


def unrankable(one: Stress, judge: Judge, size: Size) -> str:
    """Return why ``judge`` cannot rank anything in a frame, or an empty text.

    A model that answers otherwise when asked again has no confidence that could be followed.
    """
    ranking = one.definition.ranking
    if ranking is None:
        return ""
    for setting in one.settings:
        if reason := ranking.unfit(setting.arguments, judge.model, size):
            return reason
    if _random(cast(Hashable, judge.model), size):
        return (
            "the model answers otherwise when it is asked again, so that there is no confidence to "
            f"follow; average its draws: eot({judge.spec}, n=20)"
        )
    return ""


def unjudgeable(one: Stress, judge: Classifier) -> str:
    """Return why ``judge`` cannot be shown what is cut out of a ranking, or an empty text."""
    ranking = one.definition.ranking
    if ranking is None:
        return ""
    reasons = (ranking.unshown(setting.arguments, judge) for setting in one.settings)
    return next(filter(None, reasons), "")


@lru_cache(maxsize=64)
def _random(model: Hashable, size: Size) -> bool:
    from roadworthy.models.randomness import is_random

    with suppress(Exception):  # that a network does not run in this frame is said when it must
        return is_random(model, size)
    return False
