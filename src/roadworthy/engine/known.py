"""Logits that several cells want: of frames that one of them has judged already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from roadworthy.engine.plan import Cell
from roadworthy.stress.bound import Setting
from roadworthy.stress.changes import modifies
from roadworthy.types import Logits, Tap

Key = tuple[object, ...]


class Known:
    """Logits of frames read another way, kept while a block of samples is worked on.

    Only what at least two cells want is kept: the same judge in the same precision, on frames that
    are the same bit for bit, whatever the stresses call them.
    """

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        wanted = Counter(key for c in cells for s in c.stress.settings if (key := _key(c, s)))
        self._logits: dict[Key, dict[int, Logits]] = {k: {} for k, n in wanted.items() if n > 1}

    def get(self, cell: Cell, setting: Setting, positions: Sequence[int]) -> Logits | None:
        """Return the logits of the frames at ``positions`` (N, classes) if all are known."""
        found = self._logits.get(_key(cell, setting), {})
        if not found or any(position not in found for position in positions):
            return None
        return np.stack([found[position] for position in positions])

    def put(self, cell: Cell, setting: Setting, positions: Sequence[int], logits: Logits) -> None:
        """Keep the logits (N, classes) of the frames at ``positions`` if another cell wants them."""
        found = self._logits.get(_key(cell, setting))
        if found is not None:
            found.update(zip(positions, logits, strict=True))


def _key(cell: Cell, setting: Setting) -> Key:
    """Return what logits belong to, or nothing for stresses that do not read files another way."""
    if cell.stress.definition.tap is not Tap.PIPELINE or modifies(cell.stress):
        return ()
    reading = cell.readings.by_key[setting.key]
    return cell.judge.spec, cell.judge.precision, cell.adapt, cell.owner, reading.probe
