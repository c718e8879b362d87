"""What attacks that only ask share: their budget, what is wrong with it, and how much to ask at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError

TOGETHER = {"cpu": 64}
"""Images that a model is asked about in one call, where an attack has several questions at once: on two
cores larger batches gain nothing. Elsewhere, where no one measured, it is `TOGETHER_ELSEWHERE`."""

TOGETHER_ELSEWHERE = 512


def at_once(like: Tensor) -> int:
    """Return how many questions about each image of ``like`` (N, C, H, W) to put into one call."""
    return max(1, TOGETHER.get(like.device.type, TOGETHER_ELSEWHERE) // max(1, len(like)))


class Clock:
    """Says when ``seconds`` are over, counted from its making; never if they are None."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time has come."""
        return self._end is not None and time.monotonic() >= self._end


NEVER = Clock(None)


def check_queries(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise UsageError for budgets of the attack ``name`` that mean nothing."""
    if arguments.get("queries", 1) < 1:
        raise UsageError(f"{name}: queries must be at least 1, not {arguments['queries']}")
    seconds = arguments.get("seconds")
    if seconds is not None and not seconds > 0:
        raise UsageError(f"{name}: seconds is the time for a batch, more than 0, not {seconds}")


def check_positive(name: str, arguments: Mapping[str, Any], *keys: str) -> None:
    """Raise UsageError for those of ``keys`` that are given but are no size above 0."""
    for key in keys:
        value = arguments.get(key)
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{name}: {key} must be a size above 0, not {value}")


def passes_of_queries(arguments: Mapping[str, Any]) -> tuple[int, int]:
    """Return the forward and backward passes of an attack that spends all of its ``queries``."""
    return int(arguments["queries"]), 0
