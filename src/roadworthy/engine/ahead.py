"""Reading ahead: one thread makes what others wait for, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition

PIECE = 16


class Ahead:
    """Does ``work`` on positions 0 to ``count`` in order, in whatever thread calls `run`."""

    def __init__(self, count: int, work: Callable[[Sequence[int]], None]) -> None:
        self.count, self._work = count, work
        self._upto = 0
        self._ended: BaseException | None = None
        self._changed = Condition()

    def run(self) -> None:
        """Do the work; whoever waits gets what it raises."""
        try:
            while self._upto < self.count and self._ended is None:
                stop = min(self._upto + PIECE, self.count)
                self._work(range(self._upto, stop))
                with self._changed:
                    self._upto = stop
                    self._changed.notify_all()
        except BaseException as error:
            self.stop(error)

    def wait(self, position: int) -> None:
        """Return once the work at ``position`` is done; raises what it was stopped with."""
        with self._changed:
            self._changed.wait_for(lambda: self._upto > position or self._ended is not None)
        if self._upto <= position and self._ended is not None:
            raise self._ended

    def stop(self, error: BaseException) -> None:
        """Do no more; whoever waits for the rest gets ``error``."""
        with self._changed:
            self._ended = self._ended or error
            self._changed.notify_all()
