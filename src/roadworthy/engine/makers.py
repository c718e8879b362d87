"""How things are made of samples and what is judged of them: attacks, and rankings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadworthy.engine.adversarials import Made
from roadworthy.engine.judge import variant_rows
from roadworthy.engine.makings import Making
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged
from roadworthy.engine.taps import Batch, Context, Crafted, attacked, clean_input, craft

Lots = Mapping[str, Made]
"""What was made of some samples, by the key of the setting or the name of what was wanted."""

Earlier = Mapping[str, Lots]
"""What was made of the same samples before, by the key of the making."""


@dataclass(frozen=True)
class Maker:
    """``make`` makes something of a batch in the cell of its maker, for all that the group's cells ask.

    Failures go into the batch. ``enough`` says whether what is kept of one sample will do for them.
    ``rows`` has a cell's judge judge what was made of a batch, whose samples stand at some positions
    of the part.
    """

    make: Callable[[Making, Cell, Sequence[Cell], Batch, Context, Earlier], Lots]
    enough: Callable[[Making, Sequence[Cell], Lots], bool]
    rows: Callable[[Cell, Earlier, Batch, Sequence[int], Context], list[Judged]]


def maker_of(cell: Cell) -> Maker:
    """Return how things are made for a cell."""
    if cell.stress.definition.ranking is None:
        return ATTACKS
    from roadworthy.engine import ranked

    return Maker(ranked.make, ranked.enough, ranked.rows)


def home(cell: Cell, making: Making) -> Cell:
    """Return the cell in which the maker judges, in the frame of ``cell``, what it makes."""
    if making.maker.spec == cell.judge.spec:
        return cell
    return replace(cell, judge=making.maker, frame=cell.pipeline, adapt="resize")


def _attack(
    making: Making,
    own: Cell,
    cells: Sequence[Cell],
    batch: Batch,
    context: Context,
    earlier: Earlier,
) -> dict[str, Made]:
    del making, cells, earlier  # a group is of one attack, which is made at once
    made = {s.key: craft(own, s, batch, context) for s in own.stress.settings}
    return {key: _made(one) for key, one in made.items()}


def _attacked(
    cell: Cell, made: Earlier, batch: Batch, order: Sequence[int], context: Context
) -> list[Judged]:
    lots, found = made[cell.crafting], []
    clean = clean_input(
        home(cell, cell.makings[0]), cell.stress.settings[0], batch.positions, context
    )
    for setting in cell.stress.settings:
        variant = attacked(cell, setting, _crafted(lots[setting.key], clean), batch)
        found.append(variant_rows(cell, variant, batch, order))
    return found


ATTACKS = Maker(_attack, lambda *_: True, _attacked)


def _made(crafted: Crafted) -> Made:
    """Return what is kept of a batch."""
    x = crafted.x[np.flatnonzero(crafted.attacked)]
    found = np.ascontiguousarray(x.detach().cpu().numpy(), np.float32)
    return Made({"x": found}, crafted.attacked, crafted.spent, crafted.targets)


def _crafted(made: Made, clean: Any) -> Crafted:
    """Return what was made as it is judged; images that were not attacked are clean ones."""
    import torch

    x = clean.clone()
    x[np.flatnonzero(made.made)] = torch.from_numpy(made.x).to(clean.device)
    return Crafted(clean, x, made.made, made.columns, made.target)
