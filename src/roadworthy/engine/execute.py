"""Running a plan: block by block, one decode per image, every finished part kept at once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import polars as pl

from roadworthy.engine.adapt import seen_by
from roadworthy.engine.batch import Batches
from roadworthy.engine.clean import clean_logits
from roadworthy.engine.crafted import Group
from roadworthy.engine.frames import Counters, Frames, Product, Recode, prepare
from roadworthy.engine.judge import judge_part
from roadworthy.engine.known import Known
from roadworthy.engine.leases import Leases
from roadworthy.engine.live import Watcher
from roadworthy.engine.made import Made
from roadworthy.engine.options import Options, cores
from roadworthy.engine.plan import Cell, Plan
from roadworthy.engine.remaining import remaining
from roadworthy.engine.settled import batches
from roadworthy.engine.store import Store
from roadworthy.engine.taps import Context
from roadworthy.engine.units import Pending, Todo, Unit, leased, next_unit, units
from roadworthy.stress.bound import Setting, stress
from roadworthy.stress.changes import judged_by, modifies
from roadworthy.stress.reference import clean_of
from roadworthy.types import Classifier, Logits, Sample, Tap

BLOCK = 1024
"""Samples that are read together: the largest part size, so that parts nest in blocks."""

WAIT_SECONDS = 0.5
"""How long others are trusted to be at what is left, until it is asked again what that is."""

WINDOW = 128
"""Samples whose stressed pictures are kept until all models have judged them: whole batches."""


@dataclass(frozen=True)
class _Block:
    """A unit whose images are read: where each stands, and the clean logits known so far."""

    cells: Sequence[Cell]
    where: dict[str, int]
    context: Context
    clean: dict[tuple[str, ...], dict[int, Logits]] = field(default_factory=dict)


@dataclass
class Engine:
    """The serial executor: reads a block of samples and judges it, with all cores."""

    store: Store
    options: Options
    watcher: Watcher
    counters: Counters = field(default_factory=Counters)
    parts_written: int = 0
    crafted: Counter[str] = field(default_factory=Counter)  # images attacked, by model
    block: int = BLOCK
    threads: int = field(default_factory=cores)
    turn: tuple[int, int] = (0, 1)  # this worker and how many there are: where to begin
    batches: Batches = field(init=False)
    made: Made = field(default_factory=Made)
    _modified: dict[tuple[str, str], Classifier] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batches = batches(self.store, self.options)

    def run(self, plan: Plan) -> None:
        """Do whatever of ``plan`` is not finished yet and nobody else is doing."""
        todo = self._todo(plan.cells)
        self.watcher.start([(c, len(todo[c.request])) for c in plan.cells if todo[c.request]])
        queue = deque(units(plan, self.block))
        queue.rotate(-(len(queue) * self.turn[0] // self.turn[1]))
        leases = Leases(self.store.folder / "leases")
        ours = {leased(cell) for cell in plan.cells}
        with ThreadPoolExecutor(self.threads) as pool, leases.beating():
            while queue:
                if not queue[0].leases(todo):
                    queue.popleft()
                    continue
                held = {name for name in leases.others() if name.rpartition("-")[0] in ours}
                unit, ids = next_unit(queue, todo, held)
                if unit is not None:
                    leases.leave_word(unit.names(ids) & held)
                    self._unit(unit, ids, todo, leases, pool)
                elif leases.wait(held, seconds=WAIT_SECONDS):
                    todo = self._todo(plan.cells)
                else:
                    self.watcher.waiting(leases.owners(held))

    def _todo(self, cells: Sequence[Cell], among: Sequence[Sample] | None = None) -> Todo:
        retry = self.options.retry_failed
        return remaining(self.store, cells, retry_failed=retry, among=among)

    def _unit(self, unit: Unit, ids: set[str], todo: Todo, leases: Leases, pool: Executor) -> None:
        """Do what is left of the samples ``ids`` of a unit, stress by stress, unless others are at it.

        The first leases are held to the end, so that others see that somebody is here. ``todo`` is
        brought up to date.
        """
        self._look(unit, todo)
        pending = unit.pending({c.request: todo[c.request] & ids for c in unit.cells}, unit.cells)
        names = unit.names(ids)
        company = leases.company(names)
        block: _Block | None = None
        with ExitStack() as here:
            for group in _alike([c for c in unit.cells if pending[c.request]], pending):
                wanted = unit.leases({c.request: todo[c.request] & ids for c in group}, group)
                with ExitStack() as stack:
                    first = here if block is None else stack
                    held = first.enter_context(leases.holding(wanted))
                    if not held:
                        continue
                    company |= len(held) < len(wanted) or leases.company(names)
                    if company:  # who may have done some by now
                        self._look(unit, todo)
                    mine: Todo = {cell.request: set() for cell in group}
                    for name in held:
                        for request, samples in wanted[name].items():
                            mine[request] |= samples & todo[request]
                            todo[request] -= samples
                    own = unit.pending(mine, group)
                    for some in _alike([c for c in group if own[c.request]], own):
                        block = block or self._block(unit, pending, pool)
                        self._judge(block, some, own[some[0].request])

    def _look(self, unit: Unit, todo: Todo) -> None:
        """Leave out what is finished of a unit."""
        found = self._todo(unit.cells, unit.samples)
        ids = {sample.id for sample in unit.samples}
        for cell in unit.cells:
            todo[cell.request] -= ids - found[cell.request]

    def _block(self, unit: Unit, pending: Pending, pool: Executor) -> _Block:
        wanted = {s.id for samples in pending.values() for s in samples}
        work = [s for s in unit.samples if s.id in wanted]
        active = [c for c in unit.cells if pending[c.request]]
        where = {s.id: i for i, s in enumerate(work)}
        self.watcher.preparing(len(work))
        frames = self._prepare(work, where, active, pending, pool)
        context = Context(
            frames,
            self.options.seed,
            self.options.device,
            pool,
            self.modified,
            self.made,
            Known(active),
        )
        return _Block(unit.cells, where, context)

    def _judge(self, block: _Block, group: Sequence[Cell], samples: Sequence[Sample]) -> None:
        """Judge what the cells of a group make of the same samples."""
        where, clean, context = block.where, block.clean, block.context
        if group[0].crafting:
            cleaned = partial(self._clean_in_frame, len(where), clean, context)
            self._crafted(group, samples, where, cleaned, context)
            return
        references = [
            self._reference(cell, block.cells, len(where), clean, context) for cell in group
        ]
        size = group[0].part_size
        for start in range(0, len(samples), size):
            self._parts(group, samples[start : start + size], where, references, context)

    def _prepare(
        self,
        work: Sequence[Sample],
        where: dict[str, int],
        active: Sequence[Cell],
        pending: Pending,
        pool: Executor,
    ) -> Frames:
        wanted: dict[Product, set[int]] = {}
        recodes: dict[str, Recode] = {}
        for cell in active:
            # The model's own frame is wanted for all of the work: the clean reference needs it.
            wanted[Product("frame", cell.pipeline)] = set(range(len(work)))
            for product, recode in cell.products().items():
                positions = {where[s.id] for s in pending[cell.request]}
                wanted.setdefault(product, set()).update(positions)
                if recode is not None:
                    recodes[recode.key] = recode
        return prepare(
            work,
            wanted,
            recodes,
            dataset=active[0].source.dataset,
            sizes={cell.pipeline: cell.size for cell in active},
            seed=self.options.seed,
            pool=pool,
            workers=self.threads,
            counters=self.counters,
        )

    def _reference(
        self,
        cell: Cell,
        cells: Sequence[Cell],
        count: int,
        known: dict[tuple[str, ...], dict[int, Logits]],
        context: Context,
    ) -> dict[int, Logits]:
        """Return the clean logits of the judge on the whole block, computed once."""
        clean = clean_of(cell.stress.spec)
        key = _seeing(cell)
        if key not in known:
            plain = next(c for c in cells if c.stress.spec == clean and _same_view(c, cell))
            plain = plain if plain.judge.precision == cell.judge.precision else _as(plain, cell)
            known[key] = clean_logits(plain, count, batches=self.batches, context=context)
        return known[key]

    def _clean_in_frame(
        self,
        count: int,
        known: dict[tuple[str, ...], dict[int, Logits]],
        context: Context,
        cell: Cell,
    ) -> dict[int, Logits]:
        """Return the clean logits of the judge of an attack in its frame, computed once a block."""
        key = _seeing(cell)
        if key not in known:
            plain = replace(cell, stress=stress("clean"), makings=())
            known[key] = clean_logits(plain, count, batches=self.batches, context=context)
        return known[key]

    def _crafted(
        self,
        group: Sequence[Cell],
        samples: Sequence[Sample],
        where: dict[str, int],
        clean: Callable[[Cell], dict[int, Logits]],
        context: Context,
    ) -> None:
        """Judge what one attack makes, part by part: crafted once for all cells of the group."""
        size = group[0].part_size
        for start in range(0, len(samples), size):
            chosen = samples[start : start + size]
            started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
            positions = [where[s.id] for s in chosen]
            part = Group(
                group,
                chosen,
                positions,
                clean,
                context,
                self.store.artifacts,
                self.crafted,
                self.store.sequence,
            )
            found = part.judge(self.batches, lambda cell: partial(self.watcher.judged, cell))
            spent = round((time.perf_counter() - began) / len(group), 3)
            for cell, rows in zip(group, found, strict=True):
                footer = {"stress": cell.stress.spec, "started": started, "seconds": spent}
                self.store.write_part(cell.request, chosen, rows, footer=footer)
                self.parts_written += 1

    def _parts(
        self,
        group: Sequence[Cell],
        samples: Sequence[Sample],
        where: dict[str, int],
        references: Sequence[dict[int, Logits]],
        context: Context,
    ) -> None:
        """Judge one part of every cell of a group; what the stress makes is made once for all."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        shared = len(group) > 1
        window = WINDOW if shared else len(samples)
        rows: list[list[pl.DataFrame]] = [[] for _ in group]
        seconds = [0.0] * len(group)
        for start in range(0, len(samples), window):
            chosen = samples[start : start + window]
            self.made.window(keeping=shared)
            for index, cell in enumerate(group):
                began = time.perf_counter()
                part = judge_part(
                    cell,
                    chosen,
                    [where[s.id] for s in chosen],
                    clean=references[index],
                    batches=self.batches,
                    context=context,
                    progress=partial(self.watcher.judged, cell),
                )
                rows[index].append(part)
                seconds[index] += time.perf_counter() - began
        self.made.window(keeping=False)
        for cell, found, spent in zip(group, rows, seconds, strict=True):
            footer = {"stress": cell.stress.spec, "started": started, "seconds": round(spent, 3)}
            self.store.write_part(cell.request, samples, pl.concat(found), footer=footer)
            self.parts_written += 1

    def modified(self, cell: Cell, setting: Setting) -> Classifier:
        """Return the judge of a cell in its precision, changed by a MODEL stress if it is one."""
        from roadworthy.models.precision import in_precision

        changes = modifies(cell.stress)
        what = f"{cell.stress.digest}/{setting.key}" if changes else cell.judge.precision
        key = (cell.judge.spec, what)
        if key not in self._modified:
            judge = cell.judge.model
            if changes:
                judge = judged_by(cell.stress, setting, judge)
            else:
                judge = in_precision(judge, cell.judge.precision)
            self._modified[key] = judge
        return seen_by(self._modified[key], cell.adapt)


def _alike(cells: Sequence[Cell], pending: Pending) -> list[list[Cell]]:
    """Group cells whose stress makes the same pictures of the same samples, in their order."""
    groups: dict[object, list[Cell]] = {}
    for cell in cells:
        key: object = cell.request
        if cell.crafting:
            key = (cell.crafting, tuple(s.id for s in pending[cell.request]))
        elif cell.stress.definition.tap in (Tap.IMAGE, Tap.RESIZED):
            samples = tuple(s.id for s in pending[cell.request])
            key = (cell.stress.digest, cell.pipeline, samples)
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def _seeing(cell: Cell) -> tuple[str, ...]:
    """Return what clean logits belong to: the judge, its precision, the frame and how it sees that."""
    size = f"{cell.size[0]}x{cell.size[1]}"
    clean, judge = clean_of(cell.stress.spec), cell.judge
    return judge.spec, judge.precision, clean, str(cell.pipeline), size, cell.adapt


def _same_view(one: Cell, other: Cell) -> bool:
    return (one.judge.spec, one.owner) == (other.judge.spec, other.owner)


def _as(plain: Cell, cell: Cell) -> Cell:
    return replace(plain, judge=cell.judge)
