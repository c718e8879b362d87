"""One part of an attack that several models judge: crafted once, or taken from what was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from roadworthy.engine.adversarials import Made
from roadworthy.engine.artifacts import Artifact, Artifacts, Pair
from roadworthy.engine.batch import Batches
from roadworthy.engine.judge import Progress, part_rows, seen_rows, unreadable, variant_rows
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged
from roadworthy.engine.taps import Batch, Context, Crafted, attacked, clean_input, craft, facts_of
from roadworthy.types import Logits, Sample

CleanLogits = Callable[[Cell], Mapping[int, Logits]]
"""The logits of a cell's judge on clean images in the cell's frame, by position in the block."""


def home(cell: Cell) -> Cell:
    """Return the cell in which the model attacked judges, in the frame of ``cell``, what is made."""
    assert cell.maker is not None
    if not cell.made_by:
        return cell
    return replace(cell, judge=cell.maker, frame=cell.pipeline, adapt="resize")


@dataclass
class Group:
    """Cells that judge the same adversarials on the same samples of a part.

    ``positions`` are those of ``samples`` in the block; ``crafted`` counts images by the model that
    was attacked, one a setting.
    """

    cells: Sequence[Cell]
    samples: Sequence[Sample]
    positions: Sequence[int]
    clean: CleanLogits
    context: Context
    artifacts: Artifacts
    crafted: Counter[str]
    sequence: int
    _new: dict[int, dict[str, Made]] = field(default_factory=dict)
    _failed: set[int] = field(default_factory=set)

    @property
    def home(self) -> Cell:
        """The cell of the model that is attacked."""
        return home(self.cells[0])

    def judge(self, batches: Batches, progress: Callable[[Cell], Progress]) -> list[pl.DataFrame]:
        """Return the records of every cell, and keep what had to be crafted.

        A batch is crafted and judged by all while it is in memory.
        """
        own = self.home
        lost = unreadable(own, self.positions, self.context)
        reasons = [dict(lost) for _ in self.cells]
        rows: list[list[Judged]] = [[] for _ in self.cells]
        usable = [i for i in range(len(self.samples)) if i not in lost]
        for _, judged in batches.slices(own, usable, self._slice):
            for number, (found, failures) in enumerate(judged):
                reasons[number] |= failures
                rows[number].extend(found)
                if found:
                    progress(self.cells[number])(seen_rows(found, reasons[number]))
        self._failed |= lost.keys()
        self._keep()
        return [
            self._named(part_rows(cell, self.samples, found, why))
            for cell, found, why in zip(self.cells, rows, reasons, strict=True)
        ]

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return records with the file that holds each input, relative to the folder of the run."""
        kept, base = self.artifacts.held(self.home.crafting), self.artifacts.folder.parent
        files = [kept.get(pair) for pair in rows.select("sample", "content").iter_rows()]
        paths = [None if one is None else str(one.path.relative_to(base)) for one in files]
        return rows.with_columns(artifact=pl.Series(paths, dtype=pl.String))

    def _slice(self, chosen: list[int]) -> list[tuple[list[Judged], dict[int, str]]]:
        """Return the rows of each cell on the samples ``chosen``, and why some of them failed."""
        kept = self.artifacts.held(self.home.crafting)
        stored = [i for i in chosen if self._pair(i) in kept]
        fresh = [i for i in chosen if self._pair(i) not in kept]
        made, lost = self._made(fresh) if fresh else ({}, {})
        parts = [made] if fresh else []
        if stored:
            parts.append(self._taken(stored, kept))
        there = fresh + stored
        judged = []
        for cell in self.cells:
            batch = self._batch(cell, there)
            batch.failures = {there.index(i): why for i, why in lost.items()}
            found = []
            for setting in cell.stress.settings:
                crafted = joined([part[setting.key] for part in parts])
                variant = attacked(cell, setting, crafted, batch)
                found.append(variant_rows(cell, variant, batch, there))
            judged.append((found, {there[i]: why for i, why in batch.failures.items()}))
        return judged

    def _pair(self, index: int) -> Pair:
        return self.samples[index].id, self.samples[index].content

    def _batch(self, cell: Cell, chosen: Sequence[int]) -> Batch:
        clean = self.clean(cell)
        positions = [self.positions[i] for i in chosen]
        labels = [cell.relation.target_of(self.samples[i].label) for i in chosen]
        return Batch(
            samples=[self.samples[i] for i in chosen],
            positions=positions,
            labels=np.array(labels, np.int32),
            clean=np.stack([clean[position] for position in positions]),
            facts=facts_of(cell, positions, self.context),
        )

    def _made(self, chosen: Sequence[int]) -> tuple[dict[str, Crafted], dict[int, str]]:
        """Attack the samples ``chosen`` and return what was made by setting, and what failed why."""
        own = self.home
        batch = self._batch(own, chosen)
        made = {s.key: craft(own, s, batch, self.context) for s in own.stress.settings}
        lost = {chosen[i]: why for i, why in batch.failures.items()}
        self.crafted[own.judge.spec] += sum(int(one.attacked.sum()) for one in made.values())
        kept = {key: _made(one) for key, one in made.items()}
        for row, index in enumerate(chosen):
            self._new[index] = {key: one.at(row) for key, one in kept.items()}
        self._failed |= lost.keys()
        return made, lost

    def _taken(self, chosen: Sequence[int], kept: Mapping[Pair, Artifact]) -> dict[str, Crafted]:
        """Return what is kept of the samples ``chosen``, by setting."""
        own = self.home
        found: dict[str, list[Made]] = {s.key: [] for s in own.stress.settings}
        for pair in map(self._pair, chosen):
            file = kept[pair]
            held = self.artifacts.read(file)
            for key, lots in found.items():
                lots.append(held[key].at(file.rows[pair]))
        positions = [self.positions[i] for i in chosen]
        clean = clean_input(own, own.stress.settings[0], positions, self.context)
        return {key: _from_kept(Made.joined(lots), clean) for key, lots in found.items()}

    def _keep(self) -> None:
        """Write what was crafted, and which samples nothing could be made of."""
        good = sorted(set(self._new) - self._failed)
        if self.artifacts.frozen or not (good or self._failed):
            return
        own = self.home
        settings = own.stress.settings if good else ()
        self.artifacts.write(
            own.crafting,
            [self.samples[i] for i in good],
            {s.key: Made.joined([self._new[i][s.key] for i in good]) for s in settings},
            [self.samples[i] for i in sorted(self._failed)],
            sequence=self.sequence,
            about={"stress": own.stress.spec, "source": own.judge.spec},
        )


def joined(parts: Sequence[Crafted]) -> Crafted:
    """Return what was made of several batches, of which there is at least one, as if of one."""
    if len(parts) == 1:
        return parts[0]
    import torch

    whole = Made.joined([_made(part) for part in parts])
    return Crafted(
        torch.cat([part.clean for part in parts]),
        torch.cat([part.x for part in parts]),
        whole.attacked,
        whole.columns,
        whole.target,
    )


def _made(crafted: Crafted) -> Made:
    """Return what is kept of a batch."""
    x = crafted.x[np.flatnonzero(crafted.attacked)]
    found = np.ascontiguousarray(x.detach().cpu().numpy(), np.float32)
    return Made(found, crafted.attacked, crafted.spent, crafted.targets)


def _from_kept(made: Made, clean: Any) -> Crafted:
    """Return what was kept as it was judged; images that were not attacked are clean ones."""
    import torch

    x = clean.clone()
    x[np.flatnonzero(made.attacked)] = torch.from_numpy(made.x).to(clean.device)
    return Crafted(clean, x, made.attacked, made.columns, made.target)
