"""An attack on a batch of the engine: its targets, its ball, its draws, and what it spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.engine.plan import Cell
from roadworthy.models.counted import Counted
from roadworthy.models.precision import in_precision
from roadworthy.stress.apply import draws_of
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work, run
from roadworthy.stress.watch import NEVER, Found
from roadworthy.types import Logits, Sample

SPENT = ("forwards", "backwards", "queries")


@dataclass(frozen=True)
class Attacked:
    """What became of a batch: the inputs, and columns of the records, one entry an image."""

    x: Tensor
    columns: Mapping[str, Any]


def attack(
    cell: Cell,
    setting: Setting,
    x: Tensor,
    labels: NDArray[np.int64],
    *,
    samples: Sequence[Sample],
    clean: Logits,
    targets: NDArray[np.int64] | None,
    seed: int,
) -> Attacked:
    """Attack images that are right when clean and return what was found and what it cost.

    ``clean`` are their logits, ``targets`` (N,) the outputs to reach, or None.
    """
    given = setting.arguments
    eps = torch.full((len(x),), float(given.get("eps", 0)), dtype=x.dtype, device=x.device)
    goal = Goal(
        torch.from_numpy(labels).to(x.device),
        None if targets is None else torch.from_numpy(targets).to(x.device),
        torch.from_numpy(np.ascontiguousarray(clean)).to(x.device),
    )
    judge = crafting = Counted(cell.judge.model)
    if cell.craft != cell.judge.precision:
        crafting = replace(judge, model=in_precision(cell.judge.model, cell.craft))
    work = Work(crafting, x, goal, Ball(given.get("norm", "Linf"), eps), judge)

    def draws(one: Stress, under: Setting) -> BatchDraws:
        key = under.key
        return BatchDraws([draws_of(one.definition, key, sample=s.id, seed=seed) for s in samples])

    found = run(cell.stress, setting, work, draws=draws)
    nothing = np.zeros(len(x), np.int64)
    spent = {name: getattr(judge, name) + nothing for name in SPENT}
    # Where the model answers nothing, nobody is fooled: the image stays as it is. Not the attack's pass.
    sound = work.logits(found.x).isfinite().all(dim=1)
    kept = torch.where(sound.view(-1, 1, 1, 1), found.x, x)
    return Attacked(kept, spent | _steps(found, len(x)))


def _steps(found: Found, count: int) -> dict[str, Any]:
    columns: dict[str, Any] = {"flags": [list(found.flags) for _ in range(count)]}
    if found.nan_gradient is not None:
        for index in found.nan_gradient.nonzero().flatten().tolist():
            columns["flags"][index].append("nan_gradient")
    if found.steps_used is not None:
        columns["steps_used"] = found.steps_used.tolist()
    if found.step_success is not None:
        steps = found.step_success.tolist()
        columns["step_success"] = [None if step == NEVER else step for step in steps]
    if found.nearest_after is not None:
        columns["nearest_after"] = found.nearest_after.tolist()
    if found.broken_by is not None:
        columns["broken_by"] = list(found.broken_by)
    return columns
