"""One decode per image: everything that a block of samples is needed as, made in one reading."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from roadworthy.engine.kitchen import Counters as Counters
from roadworthy.engine.kitchen import Kitchen, Order, Shared, orders
from roadworthy.engine.kitchen import Product as Product
from roadworthy.engine.kitchen import Recode as Recode
from roadworthy.engine.spread import spread
from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.facts import Facts
from roadworthy.types import Dataset, Image, Sample

MEMORY_BUDGET = 2 << 30


TRIED = 4
SHORT_SECONDS = 0.0003
"""What takes less is mostly work of the interpreter, of which one thread runs at a time: several
would only pass it to and fro, and be slower together than one alone."""


class Frames:
    """Images of a block by (product, position); past the budget they live in an unlinked file.

    ``make(position)`` puts everything here that is wanted of one sample of the ``count`` in the
    block. That happens when somebody asks: in their thread, or for all that are left in ``workers``
    threads of ``pool``.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], None],
        *,
        pool: Executor,
        workers: int,
        budget: int = MEMORY_BUDGET,
    ) -> None:
        self._make, self._pool, self._workers = make, pool, workers
        self._missing = set(range(count))
        self._seconds: list[float] = []
        self._images: dict[Product, dict[int, Image]] = {}
        self._left = budget
        self._lock = Lock()
        self._spill: Any = None
        # By product first: the hash of a pipeline is worked out anew whenever it is asked for.
        self._failures: dict[Product, dict[int, str]] = {}
        self._facts: dict[Pipeline, dict[int, Facts]] = {}

    def make(self, positions: Sequence[int]) -> None:
        """Make what is wanted at ``positions``, which nobody else is making, in this thread."""
        if not self._missing:
            return
        for position in positions:
            if position in self._missing:
                self._make(position)
                self._missing.discard(position)

    def make_all(self) -> None:
        """Make everything that is missing, with all threads if they are of use."""
        if not self._missing:
            return
        if self._workers == 1 or self.short():
            self.make(sorted(self._missing))
            return
        missing = sorted(self._missing)
        spread(missing, lambda i: self.make((i,)), pool=self._pool, workers=self._workers)

    def short(self) -> bool:
        """Whether an image is so little work that one thread makes them faster than several."""
        if not self._seconds:  # nobody makes anything yet
            for position in sorted(self._missing)[:TRIED]:
                began = perf_counter()
                self.make((position,))
                self._seconds.append(perf_counter() - began)
        return min(self._seconds, default=0.0) < SHORT_SECONDS

    @property
    def failures(self) -> Mapping[Product, Mapping[int, str]]:
        """Why products cannot be made, by position."""
        self.make_all()
        return self._failures

    @property
    def facts(self) -> Mapping[Pipeline, Mapping[int, Facts]]:
        """What files say of themselves, by position."""
        self.make_all()
        return self._facts

    def usable(self, product: Product, positions: Sequence[int]) -> list[int]:
        """Return those of ``positions`` where the product can be made, and make it; see `make`."""
        self.make(positions)
        there, failed = self._images.get(product, {}), self._failures.get(product, {})
        return [i for i in positions if i in there and i not in failed]

    def get(self, product: Product, position: int) -> Image:
        """Return one image."""
        self.make((position,))
        return self._images[product][position]

    def stack(self, product: Product, positions: Sequence[int]) -> Image:
        """Return the frames at ``positions`` as one batch (N, H, W, 3)."""
        self.make(positions)
        images = self._images[product]
        return np.stack([images[i] for i in positions])

    def put(self, product: Product, position: int, image: Image) -> None:
        """Keep one image."""
        with self._lock:
            self._left -= image.nbytes
            kept = image if self._left >= 0 else self._spilled(image)
            self._images.setdefault(product, {})[position] = kept

    def fail(self, product: Product, position: int, reason: str) -> None:
        """Keep why an image cannot be made."""
        with self._lock:
            self._failures.setdefault(product, {})[position] = reason

    def note(self, pipeline: Pipeline, position: int, facts: Facts) -> None:
        """Keep what a file says of itself."""
        with self._lock:
            self._facts.setdefault(pipeline, {})[position] = facts

    def _spilled(self, image: Image) -> Image:
        if self._spill is None:
            self._spill = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the block
        offset = self._spill.seek(0, 2)
        self._spill.write(np.ascontiguousarray(image).data)
        self._spill.flush()
        return np.memmap(self._spill, np.uint8, "r", offset=offset, shape=image.shape)


def prepare(
    samples: Sequence[Sample],
    wanted: Mapping[Product, set[int]],
    recodes: Mapping[str, Recode],
    *,
    dataset: Dataset,
    sizes: Mapping[Pipeline, tuple[int, int]],
    seed: int,
    pool: Executor,
    workers: int,
    counters: Counters,
) -> Frames:
    """Return frames that read and decode each sample once and make every wanted product of it.

    ``wanted`` says which positions of ``samples`` each product is needed for. A file that cannot be
    used becomes an entry of ``failures`` for the products it is missing from, never an exception.
    Nothing is read before it is asked for.
    """
    shared = Shared(dataset, recodes, seed, counters, orders(wanted, sizes))
    each = [(shared.orders[product], where) for product, where in wanted.items()]

    def make(position: int) -> None:
        asked = [order for order, where in each if position in where]
        if asked:
            _make(Kitchen(samples[position], shared), asked, position, frames)

    frames = Frames(len(samples), make, pool=pool, workers=workers)
    return frames


def _make(kitchen: Kitchen, asked: Sequence[Order], position: int, frames: Frames) -> None:
    name = kitchen.sample.id
    for order in asked:
        product = order.product
        try:
            frames.put(product, position, kitchen.make(order))
            if product.kind == "frame" and not product.recode:
                frames.note(product.pipeline, position, kitchen.facts(order))
        except SampleError as error:
            reason = str(error) if name in str(error) else f'"{name}": {error}'
            frames.fail(product, position, reason)
        except (ValueError, MemoryError, ArithmeticError, OSError) as error:
            frames.fail(product, position, f'"{name}": {type(error).__name__}: {error}')
