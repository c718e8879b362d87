"""How many samples go through a model at once: a size settled once a folder, less when memory ends."""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Generic, TypeVar

from roadworthy.engine.options import DEFAULT_BATCH_SIZE
from roadworthy.engine.plan import Cell, Plan
from roadworthy.errors import RoadworthyError
from roadworthy.types import Tap

USUAL_FRAME = 224
"""Side of the frames for which the default batch size is meant."""

TELLTALE = ("out of memory", "can't allocate memory", "DefaultCPUAllocator", "_ALLOC_FAILED")

MadeT = TypeVar("MadeT")

AHEAD = 2
"""Slices that are begun at the same time, so that no thread waits for the end of one."""

FEWEST = 4
"""Samples of a part: with fewer a pass through a network costs much more for each."""


@dataclass(frozen=True)
class _Slice(Generic[MadeT]):
    start: int
    chosen: list[int]
    made: Callable[[], MadeT]
    future: Future[MadeT] | None = None


def _cut(chosen: list[int], parts: int) -> list[list[int]]:
    parts = max(1, min(parts, len(chosen) // FEWEST))
    edges = [len(chosen) * i // parts for i in range(parts + 1)]
    return [chosen[a:b] for a, b in pairwise(edges) if b > a]


def _end(begun: deque[_Slice[MadeT]]) -> None:
    """Forget what was begun: what has not started yet is not done, the rest is waited for."""
    futures = [one.future for one in begun if one.future and not one.future.cancel()]
    begun.clear()
    wait(futures)


@dataclass
class Batches:
    """The batch size of every cell: as settled for its model and frame, halved where memory ended.

    Attacks keep far more of a network in memory than a forward pass does, so running out of it
    under an attack makes only attacks smaller. With ``whole_attacks`` they take more of small frames.
    """

    settled: Mapping[str, int]
    default: int
    device: str
    whole_attacks: bool = False
    smaller: dict[tuple[str, bool], int] = field(default_factory=dict)

    def of(self, cell: Cell) -> int:
        """Return how many samples of ``cell`` to take at once."""
        key = key_of(cell, self.device)
        # What is too much for a forward pass is too much for an attack, but not the other way.
        size = self._forward(key)
        if not _attacks(cell):
            return size
        if self.whole_attacks and (key, False) not in self.smaller:
            size = max(size, _small_frames(cell))
        return min(size, self.smaller.get((key, True), size))

    def _forward(self, key: str) -> int:
        return self.smaller.get((key, False), self.settled.get(key, self.default))

    def slices(
        self,
        cell: Cell,
        indices: Sequence[int],
        work: Callable[[list[int]], MadeT],
        *,
        begin: Callable[[list[int]], Future[MadeT]] | None = None,
        parts: int = 1,
    ) -> Iterator[tuple[list[int], MadeT]]:
        """Yield slices of ``indices`` (ascending) and what ``work`` makes of each.

        Slices are cut on a fixed grid, not by how many indices are there, so that one unusable
        image moves no other batch. Where memory runs out, the size of such cells is halved for good,
        with one line on standard error, and the same indices are taken again. Raises
        RoadworthyError if a single sample is too much, and whatever else ``work`` raises. If some
        other thread can ``begin`` the work, slices are cut into ``parts`` of about the same length, and
        the next slice is begun before one has ended.
        """
        begun: deque[_Slice[MadeT]] = deque()
        start, end = 0, max(indices, default=-1) + 1
        try:
            while start < end or begun:
                while start < end and len(begun) < (AHEAD * parts if begin else 1):
                    stop = start + self.of(cell)
                    chosen = list(indices[bisect_left(indices, start) : bisect_left(indices, stop)])
                    for part in _cut(chosen, parts):
                        if begin is None:
                            begun.append(_Slice(start, part, partial(work, part)))
                            continue
                        future = begin(part)
                        begun.append(_Slice(part[0], part, future.result, future))
                    start = stop
                if not begun:
                    return
                one = begun.popleft()
                found = self._attempt(cell, one)
                if found is None:  # smaller from here on, what was begun as well
                    start = one.start
                    _end(begun)
                    continue
                yield one.chosen, found
        finally:
            _end(begun)

    def _attempt(self, cell: Cell, one: _Slice[MadeT]) -> MadeT | None:
        try:
            return one.made()
        except Exception as error:
            if not out_of_memory(error):
                raise
            said = _first_line(error)
        # Only outside the handler does nothing hold the tensors of the failed attempt any more.
        self._halve(cell, len(one.chosen), said)
        _release(self.device)
        return None

    def _halve(self, cell: Cell, count: int, said: str) -> None:
        height, width = cell.size
        what = f"'{cell.stress.spec}' on '{cell.judge.spec}'"
        if count <= 1:
            raise RoadworthyError(
                f"{what}: memory runs out on a single image of {height}x{width} ({said}). Finished "
                f"parts are kept, the same command goes on there; free some memory, or try another "
                f"--device, --precision bf16 or a smaller frame"
            )
        size = self.of(cell)
        while size >= count:
            size //= 2
        self.smaller[key_of(cell, self.device), _attacks(cell)] = size
        print(
            f"warning: {what}: memory ran out with {count} samples at once, going on with {size}",
            file=sys.stderr,
        )

    def as_dict(self, plan: Plan) -> dict[str, int]:
        """Return the sizes in use by the cells of ``plan``, the smaller ones of attacks apart."""
        used = {}
        for cell in plan.cells:
            key, size = key_of(cell, self.device), self.of(cell)
            apart = _attacks(cell) and size != self._forward(key)
            used[f"{key} attack" if apart else key] = size
        return used


def _small_frames(cell: Cell) -> int:
    """Return how many samples an attack takes at once where frames are small: up to its whole part.

    Attacks drop images on the way, and what is left should still fill a forward pass.
    """
    height, width = cell.size
    fitting = DEFAULT_BATCH_SIZE * USUAL_FRAME**2 // max(1, height * width)
    return min(cell.part_size, fitting)


def key_of(cell: Cell, device: str) -> str:
    """Return what a batch size belongs to: model, frame, precision and kind of device."""
    height, width = cell.size
    return f"{cell.judge.model.id} {height}x{width} {cell.judge.precision} {kind(device)}"


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that memory ran out."""
    seen = 0
    while error is not None and seen < 100:
        if isinstance(error, MemoryError):
            return True
        # torch.OutOfMemoryError is a RuntimeError, and backends have texts of their own.
        if isinstance(error, RuntimeError) and any(text in str(error) for text in TELLTALE):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _attacks(cell: Cell) -> bool:
    return cell.stress.definition.tap is Tap.INPUT


def kind(device: str) -> str:
    """Return the kind of a device, such as ``cuda`` of ``cuda:1``."""
    return device.partition(":")[0]


def _first_line(error: BaseException) -> str:
    cause = error
    while isinstance(cause, RoadworthyError) and cause.__cause__ is not None:
        cause = cause.__cause__
    text = f"{type(cause).__name__}: {cause}".strip(": ").splitlines()[0]
    return text if len(text) <= 120 else f"{text[:119]}…"


def _release(device: str) -> None:
    gc.collect()
    if device != "cpu":
        import torch

        if device == "cuda" and torch.cuda.is_available():
            torch.cuda.empty_cache()
