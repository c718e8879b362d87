"""One part of what models make for several judges: made once, or taken from what was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from roadworthy.engine.adversarials import Made
from roadworthy.engine.artifacts import Artifact, Artifacts, Pair
from roadworthy.engine.batch import Batches
from roadworthy.engine.judge import Progress, part_rows, seen_rows, unreadable
from roadworthy.engine.makers import Lots, home, maker_of
from roadworthy.engine.makings import Making
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged
from roadworthy.engine.taps import Batch, Context, facts_of
from roadworthy.types import Logits, Sample

CleanLogits = Callable[[Cell], Mapping[int, Logits]]
"""The logits of a cell's judge on clean images in the cell's frame, by position in the block."""


@dataclass
class Group:
    """Cells that judge what is made of the same samples of a part.

    ``positions`` are those of ``samples`` in the block; ``crafted`` counts images by the model that
    something was made by, one a setting or order.
    """

    cells: Sequence[Cell]
    samples: Sequence[Sample]
    positions: Sequence[int]
    clean: CleanLogits
    context: Context
    artifacts: Artifacts
    crafted: Counter[str]
    sequence: int
    _new: dict[str, dict[int, Lots]] = field(default_factory=dict)  # by key of the making
    _failed: dict[str, set[int]] = field(default_factory=dict)

    @cached_property
    def makings(self) -> list[Making]:
        """All that the cells want made, each once."""
        return list({m.key: m for cell in self.cells for m in cell.makings}.values())

    def judge(self, batches: Batches, progress: Callable[[Cell], Progress]) -> list[pl.DataFrame]:
        """Return the records of every cell, and keep what had to be made.

        What is made of a batch is judged by all while it is in memory.
        """
        own = home(self.cells[0], self.makings[0])
        lost = unreadable(own, self.positions, self.context)
        reasons = [dict(lost) for _ in self.cells]
        rows: list[list[Judged]] = [[] for _ in self.cells]
        usable = [i for i in range(len(self.samples)) if i not in lost]
        try:
            for _, judged in batches.slices(own, usable, self._slice):
                for number, (found, failures) in enumerate(judged):
                    reasons[number] |= failures
                    rows[number].extend(found)
                    if found:
                        progress(self.cells[number])(seen_rows(found, reasons[number]))
        finally:  # whoever interrupts finds again what was done until then
            for making in self.makings:
                self._failed.setdefault(making.key, set()).update(lost)
                self._keep(making)
        return [
            self._named(cell, part_rows(cell, self.samples, found, why))
            for cell, found, why in zip(self.cells, rows, reasons, strict=True)
        ]

    def _named(self, cell: Cell, rows: pl.DataFrame) -> pl.DataFrame:
        """Return records with the file that holds what each shows, relative to the folder of the run.

        Rows name what that is by its key; those that name nothing show what the group was made for.
        """
        held = {making.key: self.artifacts.held(making.key) for making in self.makings}
        base, paths = self.artifacts.folder.parent, []
        for sample, content, key in rows.select("sample", "content", "artifact").iter_rows():
            file = held.get(cell.crafting if key is None else key, {}).get((sample, content))
            paths.append(None if file is None else str(file.path.relative_to(base)))
        return rows.with_columns(artifact=pl.Series(paths, dtype=pl.String))

    def _slice(self, chosen: list[int]) -> list[tuple[list[Judged], dict[int, str]]]:
        """Return the rows of each cell on the samples ``chosen``, and why some of them failed."""
        made: dict[str, Lots] = {}
        lost: dict[str, dict[int, str]] = {}
        for making in self.makings:
            made[making.key], lost[making.key] = self._obtained(making, chosen, made)
        judged = []
        for cell in self.cells:
            batch = self._batch(cell, chosen)
            for making in cell.makings:
                if not making.peer:
                    failed = lost[making.key].items()
                    batch.failures |= {chosen.index(i): why for i, why in failed}
            found = maker_of(cell).rows(cell, made, batch, chosen, self.context)
            judged.append((found, {chosen[i]: why for i, why in batch.failures.items()}))
        return judged

    def _obtained(
        self, making: Making, chosen: Sequence[int], earlier: Mapping[str, Lots]
    ) -> tuple[Lots, dict[int, str]]:
        """Return what was made of the samples ``chosen``, now or before, and what failed why."""
        kept = self.artifacts.held(making.key)
        stored = {i: self._taken(kept[self._pair(i)], i) for i in chosen if self._pair(i) in kept}
        enough = maker_of(self.cells[0]).enough
        stored = {i: one for i, one in stored.items() if enough(making, self.cells, one)}
        fresh = [i for i in chosen if i not in stored]
        rows = [chosen.index(i) for i in fresh]
        before = {key: _at(lots, rows) for key, lots in earlier.items()} if fresh else {}
        lost = self._made(making, fresh, before) if fresh else {}
        found = {**stored, **self._new.get(making.key, {})}
        return _joined([found[i] for i in chosen]), lost

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

    def _made(
        self, making: Making, chosen: Sequence[int], earlier: Mapping[str, Lots]
    ) -> dict[int, str]:
        """Have something made of the samples ``chosen``; return what failed why."""
        own = home(self._asking(making), making)
        batch = self._batch(own, chosen)
        made = maker_of(own).make(making, own, self.cells, batch, self.context, earlier)
        lost = {chosen[i]: why for i, why in batch.failures.items()}
        self.crafted[making.maker.spec] += sum(int(one.made.sum()) for one in made.values())
        new = self._new.setdefault(making.key, {})
        for row, index in enumerate(chosen):
            new[index] = {key: one.at(row) for key, one in made.items()}
        self._failed.setdefault(making.key, set()).update(lost)
        return lost

    def _asking(self, making: Making) -> Cell:
        """Return a cell that wants something made, the maker's own if it is one of them."""
        asking = [cell for cell in self.cells if making in cell.makings]
        return next((c for c in asking if c.judge.spec == making.maker.spec), asking[0])

    def _taken(self, file: Artifact, index: int) -> Lots:
        """Return what a file holds of one sample."""
        row = file.rows[self._pair(index)]
        return {key: one.at(row) for key, one in self.artifacts.read(file).items()}

    def _keep(self, making: Making) -> None:
        """Write what was made, and of which samples nothing could be made."""
        new, failed = self._new.get(making.key, {}), self._failed[making.key]
        good = sorted(set(new) - failed)
        if self.artifacts.frozen or not (good or failed):
            return
        self.artifacts.write(
            making.key,
            [self.samples[i] for i in good],
            _joined([new[i] for i in good]) if good else {},
            [self.samples[i] for i in sorted(failed)],
            sequence=self.sequence,
            about={"stress": self.cells[0].stress.spec, "source": making.maker.spec},
        )


def _joined(parts: Sequence[Lots]) -> dict[str, Made]:
    """Return what was made of several lots of samples, of which there is at least one."""
    return {key: Made.joined([part[key] for part in parts]) for key in parts[0]}


def _at(lots: Lots, rows: Sequence[int]) -> dict[str, Made]:
    """Return what was made of the samples at ``rows``."""
    return {key: Made.joined([one.at(row) for row in rows]) for key, one in lots.items()}
