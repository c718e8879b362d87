"""Several corruptions of one picture, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.spec import Spec
from roadworthy.stress.base import image_stress
from roadworthy.stress.composed import check_single, resolved
from roadworthy.stress.draws import Draws, FastDraws
from roadworthy.types import Image, Tap

if TYPE_CHECKING:
    from roadworthy.stress.bound import Stress


def _check(arguments: Mapping[str, Any]) -> None:
    for member in resolved(arguments["members"]):
        _check_member(member)


@image_stress(check=_check, composed=True)
def compose(image: Image, members: tuple[Spec, ...], *, rng: Draws) -> Image:
    """Apply ``members`` in the order given: ``compose(fog(severity=2), pixelate(severity=1))``.

    ``image`` is uint8 (H, W, 3); so is the result. Members are corruptions or probes of the frame,
    other compositions among them, each with one variant: a severity or strengths. A severity means
    what it means on this frame, and every member rounds to 8 bits as it does alone. Each draws from
    a stream of its own, so that what one draws changes nothing for the others. ``frame`` and
    ``store`` are given to ``compose`` as a whole. Raises UsageError for other members.
    """
    for member in resolved(members):
        draws = _own_stream(rng)
        definition = member.definition
        arguments = definition.arguments_on(image.shape, member.settings[0].arguments)
        if definition.takes_draws:
            arguments["rng"] = draws
        image = definition.function(image, **arguments)
    return image


def _own_stream(rng: Draws) -> Draws:
    low, high = rng.integers(0, np.iinfo(np.int64).max, (2,))
    return FastDraws(np.random.Generator(np.random.Philox(key=int(low) << 64 | int(high))))


def _check_member(member: Stress) -> None:
    definition = member.definition
    if definition.tap is not Tap.IMAGE or definition.axis == "clean":
        raise UsageError(
            f"compose: '{member.name}' is no corruption of the frame "
            f"(it acts at the tap {definition.tap.name}); compose takes those alone"
        )
    check_single(member, whole="compose")
