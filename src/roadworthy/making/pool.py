"""Tasks in this process or in several, with few of them under way at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from roadworthy.errors import EXIT_INTERRUPTED, RoadworthyError

AHEAD = 4
"""Tasks under way for each process: enough to keep it busy, few enough to stop quickly."""

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_do: Callable[[Any], Any] | None = None


def work(do: Callable[[TaskT], ResultT], tasks: Iterable[TaskT], *, jobs: int) -> Iterator[ResultT]:
    """Yield ``do(task)`` for every task, in their order, computed by ``jobs`` processes.

    Processes are spawned and use one thread each, so ``do`` must survive pickling. Raises the
    first error of a task; a process that dies is a RoadworthyError.
    """
    if jobs == 1:
        with _opencv_alone():
            yield from map(do, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with _one_thread():
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(do,))
        try:
            yield from _results(pool, tasks, jobs * AHEAD)
        except BrokenProcessPool:
            raise RoadworthyError(
                "a process died, perhaps for want of memory; what is finished is kept: give the "
                "same command again, with fewer jobs (-j) if it recurs"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _results(pool: ProcessPoolExecutor, tasks: Iterable[Any], ahead: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    for task in tasks:
        waiting.append(pool.submit(_run, task))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _begin(do: Callable[[Any], Any]) -> None:
    global _do
    import cv2

    cv2.setNumThreads(1)
    # Ctrl-C reaches every process of the terminal; the parent decides, its workers finish a task.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _do = do


def _follow_parent() -> None:
    """End with the parent, which cannot say goodbye when it is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(EXIT_INTERRUPTED)


def _run(task: Any) -> Any:
    assert _do is not None
    return _do(task)


@contextmanager
def _opencv_alone() -> Iterator[None]:
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
        else:
            os.environ["OMP_NUM_THREADS"] = before
