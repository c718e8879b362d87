"""A probe on a batch of the engine: the images stay as they are, their records get its columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from roadworthy.engine.forward import to_input
from roadworthy.engine.plan import Cell
from roadworthy.engine.taps import Batch, Context, Variant, targets_of
from roadworthy.errors import RoadworthyError
from roadworthy.models.counted import Counted
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.apply import draws_of
from roadworthy.stress.bound import Setting
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured

SPENT = ("forwards", "backwards", "queries")
BY_ENGINE = ("norm", "target")


def probed(cell: Cell, setting: Setting, batch: Batch, context: Context) -> Variant:
    """Measure the samples that are right on the clean image, or all of them, always in float32.

    The column ``norm`` stays empty: it is what the metrics of attacks tell attacks by.
    """
    images = context.frames.stack(cell.product(setting)[0], batch.positions)
    x = to_input(images, context.device)
    everyone = cell.stress.definition.everyone
    targets = None if everyone else targets_of(cell, setting, batch, context.seed)
    tried = np.array([i not in batch.failures for i in range(len(x))])
    right = everyone | (batch.clean.argmax(axis=1) == batch.labels)
    active = np.flatnonzero(right & tried & np.isfinite(batch.clean).all(axis=1))
    columns: dict[str, Any] = {} if targets is None else {"target": targets}
    if len(active):
        found = _measured(cell, setting, x, batch, active, targets, context.seed)
        columns |= {name: _spread(values, active, len(x)) for name, values in found.items()}
    status = np.where(np.isin(np.arange(len(x)), active), "ok", "clean_error").tolist()
    return Variant(setting, x, cell.judge.model, columns, status)


def _measured(
    cell: Cell, setting: Setting, x: Any, batch: Batch, active: Any, targets: Any, seed: int
) -> dict[str, Any]:
    """Return columns with one entry for each sample at ``active``."""
    definition, model = cell.stress.definition, Counted(cell.judge.model)

    def there(values: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(values[active])).to(x.device)

    goal = Goal(
        there(batch.labels.astype(np.int64)),
        None if targets is None else there(targets),
        there(batch.clean),
    )
    arguments = {k: v for k, v in setting.arguments.items() if k not in BY_ENGINE}
    if definition.takes_draws:
        samples = [batch.samples[i].id for i in active.tolist()]
        arguments["rng"] = BatchDraws(
            [draws_of(definition, setting.key, sample=name, seed=seed) for name in samples]
        )
    geometry = GEOMETRIES[setting.arguments["norm"]]
    chosen = x[torch.from_numpy(active).to(x.device)]
    found = definition.function(model, chosen, goal, geometry, **arguments)
    if not isinstance(found, Measured):
        raise RoadworthyError(f"probe '{cell.stress.spec}' returned no Measured")
    nothing = np.zeros(len(active), np.int64)
    spent = {name: (getattr(model, name) + nothing).tolist() for name in SPENT}
    flags = {"flags": [list(each) for each in found.flags]} if found.flags else {}
    return {**spent, **flags, **found.columns}


def _spread(values: Any, active: Any, count: int) -> list[Any]:
    """Return the values of the samples at ``active`` for the whole batch, None for the others."""
    whole: list[Any] = [None] * count
    for index, value in zip(active.tolist(), values, strict=True):
        whole[index] = value
    return whole
