"""Pictures that a stress has made, kept while other models still have to judge them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

ValueT = TypeVar("ValueT")


@dataclass
class Made:
    """What was made in one window of samples, by (stress, variant, position, …).

    ``count`` is how many pictures were made, not how many were asked for: for tests, and for the
    curious. Nothing is kept unless ``keeping``.
    """

    keeping: bool = False
    count: int = 0
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[object, ...], make: Callable[[], ValueT]) -> ValueT:
        """Return what is kept under ``key``, or make it; safe between threads that ask for others."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value]
        value = make()
        with self._lock:
            self.count += 1
            if self.keeping:
                self._kept[key] = value
        return value

    def window(self, *, keeping: bool) -> None:
        """Begin another window: forget everything, and keep from now on or not."""
        with self._lock:
            self._kept.clear()
            self.keeping = keeping
