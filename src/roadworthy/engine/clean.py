"""Judging the unstressed frames of a block, which everything else is compared with."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future

from roadworthy.engine.ahead import Ahead
from roadworthy.engine.batch import Batches, kind
from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.plan import Cell
from roadworthy.engine.taps import Context
from roadworthy.types import Classifier, Logits


def clean_logits(
    cell: Cell, count: int, *, batches: Batches, context: Context
) -> dict[int, Logits]:
    """Return the logits of the unstressed frames by position in a block of ``count``, if readable.

    In fixed slices. Where a network lets each thread work by itself, that makes the frames as well:
    then no thread waits for another, neither at the end of a batch nor at that of the reading.
    """
    product, _ = cell.product(cell.stress.settings[0])
    judge = context.modified(cell, cell.stress.settings[0])

    def judged(chosen: list[int]) -> dict[int, Logits]:
        usable = context.frames.usable(product, chosen)
        if not usable:
            return {}
        x = to_input(context.frames.stack(product, usable), context.device)
        return dict(zip(usable, forward(judge, x, name=cell.judge.spec), strict=True))

    found: dict[int, Logits] = {}
    pool, parts = _threads(judge, batches.of(cell), context.device)
    if pool is None:
        context.frames.make_all()
        for _, logits in batches.slices(cell, range(count), judged):
            found.update(logits)
        return found
    with _Begun(pool, judged, count, context) as begun:
        for _, logits in batches.slices(cell, range(count), judged, begin=begun.begin, parts=parts):
            found.update(logits)
    return found


def _threads(judge: Classifier, count: int, device: str) -> tuple[Executor | None, int]:
    """Return the threads that can each take images from the file to the logits, if there are such."""
    from roadworthy.models.chunks import alone, threads

    module = getattr(judge, "module", None)
    if module is None or kind(device) != "cpu" or not alone(module, count):
        return None, 1
    pool, many = threads()
    return (pool, many) if many > 1 else (None, 1)


class _Begun:
    """Slices in the threads of ``pool``, and the frames for them.

    Where one thread makes frames faster than several, it begins with that and the others with the
    first slices; once all are made it judges as well.
    """

    def __init__(
        self,
        pool: Executor,
        work: Callable[[list[int]], dict[int, Logits]],
        count: int,
        context: Context,
    ) -> None:
        self.pool, self.work = pool, work
        self.ahead: Ahead | None = None
        if context.frames.short():
            self.ahead = Ahead(count, context.frames.make)

    def __enter__(self) -> _Begun:
        if self.ahead is not None:
            self.pool.submit(self.ahead.run)
        return self

    def __exit__(self, *_: object) -> None:
        if self.ahead is not None:
            self.ahead.stop(RuntimeError("nobody waits for it any more"))

    def begin(self, chosen: list[int]) -> Future[dict[int, Logits]]:
        """Let a thread judge the frames at ``chosen`` as soon as they are made."""
        return self.pool.submit(self._judged, chosen)

    def _judged(self, chosen: list[int]) -> dict[int, Logits]:
        if self.ahead is not None:
            self.ahead.wait(chosen[-1])
        return self.work(chosen)
