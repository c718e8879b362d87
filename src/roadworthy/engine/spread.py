"""Work at many positions with several threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor


def spread(
    positions: Iterable[int], work: Callable[[int], None], *, pool: Executor, workers: int
) -> None:
    """Do ``work`` at every position, in about their order, and return when it is done.

    Whatever ``work`` raises, or an interrupt, ends all of it.
    """
    left = deque(positions)

    def some() -> None:
        while left:
            try:
                position = left.popleft()
            except IndexError:  # somebody else had the last one
                return
            work(position)

    futures = [pool.submit(some) for _ in range(min(workers, len(left)))]
    try:
        for future in futures:
            future.result()
    finally:
        left.clear()
