"""Running an attack: its ball, its goal, what it may count on, and the check of what it returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.engine.plan import Cell
from roadworthy.errors import RoadworthyError
from roadworthy.models.gradient import Counted
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import Setting
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal


def attack(
    cell: Cell, setting: Setting, x: Tensor, labels: Tensor, *, rng: BatchDraws | None
) -> tuple[Tensor, dict[str, NDArray[np.int32]]]:
    """Return adversarial inputs inside ball and box, and what each sample's attack spent.

    Whatever the attack returns is projected again and anything not finite falls back to the clean
    input, so that no attack can win by leaving its budget.
    """
    arguments = dict(setting.arguments)
    eps, norm = arguments.pop("eps"), arguments.pop("norm")
    ball = Ball(norm, torch.full((len(x),), float(eps), dtype=x.dtype, device=x.device))
    counted = Counted(cell.judge.model)
    if rng is not None:
        arguments["rng"] = rng
    found = cell.stress.definition.function(counted, x, Goal(labels), ball, **arguments)
    if found.shape != x.shape:
        raise RoadworthyError(
            f"attack '{cell.stress.spec}' returned a batch of shape {tuple(found.shape)} "
            f"for one of shape {tuple(x.shape)}"
        )
    found = torch.where(torch.isfinite(found), found, x)
    each = np.ones(len(x), np.int32)
    spent: dict[str, Any] = {
        "forwards": each * counted.forwards,
        "backwards": each * counted.backwards,
        "queries": each * counted.queries,
    }
    if "steps" in arguments:
        spent["steps_used"] = each * int(arguments["steps"])
    return ball.project(x, found.detach()), spent
