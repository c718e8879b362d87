"""Running a plan: block by block, one decode per image, every finished part kept at once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
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
from roadworthy.stress.bound import Setting, stress
from roadworthy.stress.changes import judged_by, modifies
from roadworthy.stress.reference import clean_of
from roadworthy.types import Classifier, Logits, Sample, Tap

BLOCK = 1024
"""Samples that are read together: the largest part size, so that parts nest in blocks."""

SMALLEST_UNIT = 64
"""Samples under one lease; units of any size are whole numbers of them."""

WAIT_SECONDS = 0.5
"""How long others are trusted to be at what is left, until it is asked again what that is."""

WINDOW = 128
"""Samples whose stressed pictures are kept until all models have judged them: whole batches."""


Todo = dict[str, set[str]]
"""The ids of samples that are left, by request."""


@dataclass(frozen=True)
class Unit:
    """Samples of one data set that are read together, and the cells that need them."""

    cells: tuple[Cell, ...]
    samples: tuple[Sample, ...]
    start: int = 0

    def leases(self, todo: Todo) -> dict[str, Todo]:
        """Return what is left of the unit by the name of its lease: samples of each request.

        A lease is on so many neighbours in the order of the data and on one request, or on all that
        judge what one model makes: the same for everybody, however many samples his units have and
        whatever else he was asked for.
        """
        found: dict[str, Todo] = {}
        for start in range(0, len(self.samples), SMALLEST_UNIT):
            neighbours = {s.id for s in self.samples[start : start + SMALLEST_UNIT]}
            number = (self.start + start) // SMALLEST_UNIT
            for cell in self.cells:
                if left := neighbours & todo[cell.request]:
                    name = f"{cell.crafting or cell.request}-{number}"
                    found.setdefault(name, {})[cell.request] = left
        return found


def units(plan: Plan, size: int) -> list[Unit]:
    """Cut a plan into units of at most ``size`` samples, which is a multiple of the smallest."""
    found = []
    for cells in _by_data(plan.cells):
        samples = cells[0].source.samples
        for start in range(0, len(samples), size):
            found.append(Unit(tuple(cells), samples[start : start + size], start))
    return found


def _pending_in(unit: Unit, todo: Todo) -> dict[str, list[Sample]]:
    return {c.request: [s for s in unit.samples if s.id in todo[c.request]] for c in unit.cells}


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
        workers = self.threads
        with ThreadPoolExecutor(workers) as pool, leases.beating():
            waited = 0
            while queue:
                unit = queue.popleft()
                wanted = unit.leases(todo)
                if not wanted:
                    continue
                held = [name for name in wanted if leases.take(name)]
                if len(held) < len(wanted):  # somebody else is at the rest
                    queue.append(unit)
                if not held:
                    waited += 1
                    if waited >= len(queue):  # every unit that is left is in somebody's hands
                        names = [name for unit in queue for name in unit.leases(todo)]
                        if not leases.wait(names, seconds=WAIT_SECONDS):
                            self.watcher.waiting(leases.owners(names))
                        todo, waited = self._todo(plan.cells), 0
                    continue
                waited = 0
                mine: Todo = {cell.request: set() for cell in unit.cells}
                for name in held:
                    for request, samples in wanted[name].items():
                        mine[request] |= samples
                        todo[request] -= samples
                try:
                    # Somebody else may have finished it since we last looked.
                    left = self._todo(unit.cells, unit.samples)
                    left = {request: left[request] & ids for request, ids in mine.items()}
                    self._block(unit.samples, unit.cells, left, pool, workers)
                finally:
                    for name in held:
                        leases.give_back(name)

    def _todo(self, cells: Sequence[Cell], among: Sequence[Sample] | None = None) -> Todo:
        retry = self.options.retry_failed
        return remaining(self.store, cells, retry_failed=retry, among=among)

    def _block(
        self,
        block: Sequence[Sample],
        cells: Sequence[Cell],
        todo: Todo,
        pool: Executor,
        workers: int,
    ) -> None:
        pending = _pending_in(Unit(tuple(cells), tuple(block)), todo)
        wanted_ids = {s.id for samples in pending.values() for s in samples}
        work = [s for s in block if s.id in wanted_ids]
        if not work:
            return
        active = [c for c in cells if pending[c.request]]
        where = {s.id: i for i, s in enumerate(work)}
        self.watcher.preparing(len(work))
        frames = self._prepare(work, where, active, pending, pool, workers)
        context = Context(
            frames,
            self.options.seed,
            self.options.device,
            pool,
            self.modified,
            self.made,
            Known(active),
        )
        clean: dict[tuple[str, ...], dict[int, Logits]] = {}
        for group in _alike(active, pending):
            if group[0].crafting:
                cleaned = partial(self._clean_in_frame, len(where), clean, context)
                self._crafted(group, pending[group[0].request], where, cleaned, context)
                continue
            references = [
                self._reference(cell, cells, len(where), clean, context) for cell in group
            ]
            size = group[0].part_size
            samples = pending[group[0].request]
            for start in range(0, len(samples), size):
                self._parts(group, samples[start : start + size], where, references, context)

    def _prepare(
        self,
        work: Sequence[Sample],
        where: dict[str, int],
        active: Sequence[Cell],
        pending: dict[str, list[Sample]],
        pool: Executor,
        workers: int,
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
            workers=workers,
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


def _alike(cells: Sequence[Cell], pending: dict[str, list[Sample]]) -> list[list[Cell]]:
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


def _by_data(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Yield the cells of each data set together, in the order of the plan."""
    specs = dict.fromkeys(cell.source.dataset.spec for cell in cells)
    for spec in specs:
        yield [cell for cell in cells if cell.source.dataset.spec == spec]
