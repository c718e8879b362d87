"""DeepFool: straight to the nearest linearised boundary until it is crossed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.linearised import CANDIDATES, OVERSHOOT, STEPS, across
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"deepfool: steps must be at least 1, not {arguments['steps']}")
    if arguments["candidates"] < 2:
        raise UsageError(
            "deepfool: candidates counts the label and must be at least 2, "
            f"not {arguments['candidates']}"
        )
    if not 0 <= arguments["overshoot"] < float("inf"):
        raise UsageError(f"deepfool: overshoot must be 0 or more, not {arguments['overshoot']}")


@minimal_attack(
    Need.GRADIENT,
    norms=("L2", "Linf"),
    check=_check,
    passes=lambda given: (2 * given["steps"], (given["candidates"] - 1) * given["steps"]),
    paper="Moosavi-Dezfooli et al., CVPR 2016",
)
def deepfool(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = STEPS,
    candidates: int = CANDIDATES,
    overshoot: float = OVERSHOOT,
) -> Found:
    """Step onto the nearest linearised boundary with another class until the class changes.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape. Boundaries are those with
    the ``candidates`` most likely classes of the clean image, the label among them: one backward pass
    for each other one. The sum of all steps is lengthened by the fraction ``overshoot``. Under a
    target the boundary is the one between it and the best other class. Moosavi-Dezfooli et al.,
    CVPR 2016.
    """
    return across(model, x, goal, geometry, steps=steps, candidates=candidates, overshoot=overshoot)
