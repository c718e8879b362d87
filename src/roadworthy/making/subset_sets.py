"""The sets of pictures that a make of subsets consists of: one for each threshold and fraction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.engine.plan import Cell
from roadworthy.making.names import safe
from roadworthy.seed import digest
from roadworthy.spec import Spec
from roadworthy.stress import masks
from roadworthy.stress.bound import Setting
from roadworthy.stress.ranking import Ranked
from roadworthy.types import Sample


@dataclass(frozen=True)
class Set:
    """The pictures of one variant of the stress of ``cell``: where they go and how they are kept.

    What is not kept looks as ``mask`` says; ``key`` covers all that decides about pixels, but for the
    sample.
    """

    cell: Cell
    variant: str
    mask: Spec
    store: str
    key: str

    @property
    def folder(self) -> str:
        """Where the pictures go."""
        return f"{self.cell.stress.name}/{safe(self.variant)}"

    @property
    def about(self) -> dict[str, Any]:
        """What the note in the folder says of it."""
        return {
            "stress": self.cell.stress.spec,
            "variant": self.variant,
            "version": self.cell.stress.definition.version,
            "frame": str(self.cell.pipeline),
            "mask": str(self.mask),
            "store": self.store,
            "key": self.key,
        }

    def key_of(self, sample: Sample, *, mask: bool = False) -> str:
        """Return what a file is of: as long as it stays, a whole file need not be made again."""
        return digest(self.key, sample.id, sample.content, *(["mask"] if mask else []), size=8)


def sets_of(cells: Sequence[Cell], store: str) -> dict[tuple[str, str], Set]:
    """Return the sets of all cells that rank pixels, by stress and variant."""
    found: dict[tuple[str, str], Set] = {}
    for cell in cells:
        if cell.stress.definition.ranking is None:
            continue
        for setting in cell.stress.settings:
            for variant, mask in _variants(cell, setting):
                key = digest(
                    "subset", cell.crafting, variant, masks.one(mask).digest, store, size=8
                )
                one = Set(cell, variant, mask, store, key)
                found.setdefault((cell.stress.spec, variant), one)
    return found


def _variants(cell: Cell, setting: Setting) -> Iterator[tuple[str, Spec]]:
    """Yield the variants of a setting with their masks: the names of all that is cut out of no image."""
    ranking, given = cell.stress.definition.ranking, setting.arguments
    assert ranking is not None
    grid = cell.grid(given)
    wanted = ranking.wants(given, grid)
    nothing = {one.name: ranking.nothing(grid) for one in wanted}
    classes = {one.name: np.zeros(0, np.int64) for one in wanted}
    for cut in ranking.cuts(Ranked(nothing, classes, [], 0), given, True):
        if cut.mask is not None:
            yield cut.named(setting.key), cut.mask
