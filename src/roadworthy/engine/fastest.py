"""Looking for the fastest batch size, not the largest, in little time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.options import DEFAULT_BATCH_SIZE
from roadworthy.engine.plan import Cell

SMALLER = (16, 8)
LARGER = (64,)
"""No larger sizes: 64 samples are an attack's part and the smallest unit that a worker takes."""

BUDGET_SECONDS = 1.5
SHARE = 0.02
ADVANTAGE = 0.10
"""Another size must be faster by this much, so that neither noise nor a tie moves the default."""


def fastest(cell: Cell, device: str, *, passes: int) -> int:
    """Return the batch size with the highest throughput of ``cell``'s model on frames of its size.

    Spends at most about 1.5 seconds, and no more than 2 % of a job of ``passes`` forward passes of
    one image. A model that fails here gets the default: the run itself will say what is wrong.
    """
    from roadworthy.models.precision import in_precision

    try:
        model = in_precision(cell.judge.model, cell.judge.precision)
        frames = np.random.default_rng(0).integers(0, 256, (max(LARGER), *cell.size, 3), np.uint8)

        def seconds(count: int) -> float:
            x = to_input(frames[:count], device)
            began = time.perf_counter()
            forward(model, x, name=cell.judge.spec)
            return time.perf_counter() - began

        return choose(seconds, passes=passes)
    except Exception:  # whatever a network raises, also for want of memory
        return DEFAULT_BATCH_SIZE


@dataclass
class _Trial:
    """Times of one image by batch size, the best of all rounds, within a budget."""

    seconds: Callable[[int], float]
    left: float
    best: dict[int, float] = field(default_factory=dict)

    def measure(self, size: int, *, guess: float, rounds: int = 2) -> bool:
        """Time ``size`` a few times; returns False, without timing, if that would take too long."""
        if rounds * size * guess > self.left:
            return False
        for _ in range(rounds):
            took = self.seconds(size)
            self.left -= took
            self.best[size] = min(took / size, self.best.get(size, np.inf))
        return True


def choose(seconds: Callable[[int], float], *, passes: int) -> int:
    """Return the fastest size, where ``seconds(n)`` makes a forward pass of n images and times it.

    From the default, sizes are tried downwards and then upwards, each way until one is slower than
    the one before. The winner is timed against the default once more.
    """
    default = DEFAULT_BATCH_SIZE
    first = seconds(1)  # warms up
    if first * default > BUDGET_SECONDS:
        return default
    seconds(8)
    guess = seconds(8) / 8
    trial = _Trial(seconds, min(BUDGET_SECONDS, SHARE * passes * guess))
    if not trial.measure(default, guess=guess):
        return default
    for direction in (SMALLER, LARGER):
        before = default
        for size in direction:
            measured = trial.measure(size, guess=trial.best[before])
            if not measured or trial.best[size] >= trial.best[before]:
                break
            before = size
    winner = min(trial.best, key=lambda size: trial.best[size])
    for size in (default, winner):
        if winner != default and _ahead(trial, winner):
            trial.measure(size, guess=trial.best[size], rounds=1)
    return winner if _ahead(trial, winner) else default


def _ahead(trial: _Trial, size: int) -> bool:
    return trial.best[size] < (1 - ADVANTAGE) * trial.best[DEFAULT_BATCH_SIZE]
