"""One decode per image: everything that a block of samples is needed as, made in one reading."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Literal, TypeVar

import numpy as np

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import (
    Pipeline,
    Unpacked,
    corrected,
    decode_hash,
    frame_of,
    framed,
    resized,
    unpack,
    unpacking,
)
from roadworthy.pipeline.facts import Facts, facts_of
from roadworthy.stress.apply import draws_for
from roadworthy.stress.base import Encoded
from roadworthy.stress.bound import Setting, Stress
from roadworthy.types import Dataset, Image, Sample

MadeT = TypeVar("MadeT")

MEMORY_BUDGET = 2 << 30


@dataclass(frozen=True)
class Product:
    """One thing to make of an image: its frame, or the resized picture before the crop.

    With ``recode``, of the file as a BYTES stress wrote it anew.
    """

    kind: Literal["frame", "resized"]
    pipeline: Pipeline
    recode: str = ""  # "stress digest/variant key": what tells recoded files apart


@dataclass
class Counters:
    """What a run did, for tests and for the curious."""

    decodes: int = 0  # of files as they came, one each
    recodes: int = 0  # of files that a BYTES stress wrote
    lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, *, decodes: int = 0, recodes: int = 0) -> None:
        """Add to the counts; safe between threads."""
        with self.lock:
            self.decodes += decodes
            self.recodes += recodes


class Frames:
    """Images of a block by (product, position); past the budget they live in an unlinked file."""

    def __init__(self, *, budget: int = MEMORY_BUDGET) -> None:
        self._images: dict[Product, dict[int, Image]] = {}
        self._left = budget
        self._lock = Lock()
        self._spill: Any = None
        # By product first: the hash of a pipeline is worked out anew whenever it is asked for.
        self.failures: dict[Product, dict[int, str]] = {}
        self.facts: dict[Pipeline, dict[int, Facts]] = {}

    def put(self, product: Product, position: int, image: Image) -> None:
        """Keep one image."""
        with self._lock:
            self._left -= image.nbytes
            kept = image if self._left >= 0 else self._spilled(image)
            self._images.setdefault(product, {})[position] = kept

    def get(self, product: Product, position: int) -> Image:
        """Return one image."""
        return self._images[product][position]

    def stack(self, product: Product, positions: Sequence[int]) -> Image:
        """Return the frames at ``positions`` as one batch (N, H, W, 3)."""
        images = self._images[product]
        return np.stack([images[i] for i in positions])

    def _spilled(self, image: Image) -> Image:
        if self._spill is None:
            self._spill = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the block
        offset = self._spill.seek(0, 2)
        self._spill.write(np.ascontiguousarray(image).data)
        self._spill.flush()
        return np.memmap(self._spill, np.uint8, "r", offset=offset, shape=image.shape)


@dataclass(frozen=True)
class Recode:
    """A BYTES variant to make while the pixels are at hand."""

    stress: Stress
    setting: Setting

    @property
    def key(self) -> str:
        """What tells this recoding from others."""
        return f"{self.stress.digest}/{self.setting.key}"


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
    """Read and decode each sample once and make every wanted product of it, on all cores.

    ``wanted`` says which positions of ``samples`` each product is needed for. A file that cannot be
    used becomes an entry of ``failures`` for the products it is missing from, never an exception.
    """
    frames = Frames()
    stop = Event()

    def work(start: int) -> None:
        for position in range(start, len(samples), workers):
            if stop.is_set():
                return
            products = [p for p, where in wanted.items() if position in where]
            if products:
                _make(samples[position], position, products)

    def _make(sample: Sample, position: int, products: list[Product]) -> None:
        uncropped = {(p.recode, p.pipeline) for p in products if p.kind == "resized"}
        kitchen = _Kitchen(sample, dataset, recodes, seed, counters, uncropped)
        for product in products:
            try:
                image = kitchen.make(product)
                expected = sizes.get(product.pipeline)
                if product.kind == "frame" and expected and image.shape[:2] != expected:
                    raise SampleError(
                        f'"{sample.id}": the image is {image.shape[1]}x{image.shape[0]} pixels, but '
                        f"the first of this data set is {expected[1]}x{expected[0]} and the model "
                        f"has no size of its own; give the model size="
                    )
                frames.put(product, position, image)
                if product.kind == "frame" and not product.recode:
                    known = frames.facts.setdefault(product.pipeline, {})
                    known[position] = kitchen.facts(product)
            except SampleError as error:
                named = sample.id in str(error)
                reason = str(error) if named else f'"{sample.id}": {error}'
                frames.failures.setdefault(product, {})[position] = reason
            except (ValueError, MemoryError, ArithmeticError, OSError) as error:
                reason = f'"{sample.id}": {type(error).__name__}: {error}'
                frames.failures.setdefault(product, {})[position] = reason

    futures = [pool.submit(work, start) for start in range(workers)]
    try:
        for future in futures:
            future.result()
    finally:
        stop.set()
    return frames


class _Kitchen:
    """Makes products of one sample, sharing every stage that several of them need."""

    def __init__(
        self,
        sample: Sample,
        dataset: Dataset,
        recodes: Mapping[str, Recode],
        seed: int,
        counters: Counters,
        uncropped: Set[tuple[str, Pipeline]],
    ) -> None:
        self.sample, self.dataset, self.recodes = sample, dataset, recodes
        self.seed, self.counters, self.uncropped = seed, counters, uncropped
        self.cache: dict[Any, Any] = {}

    def make(self, product: Product) -> Image:
        if (product.recode, product.pipeline) not in self.uncropped:
            return frame_of(self.pixels(product), product.pipeline)
        uncropped = self.resized(product)
        return uncropped if product.kind == "resized" else framed(uncropped, product.pipeline)

    def resized(self, product: Product) -> Image:
        key = ("resized", product.recode, product.pipeline)
        return self.once(key, lambda: resized(self.pixels(product), product.pipeline))

    def pixels(self, product: Product) -> Image:
        def corrects() -> Image:
            return corrected(self.unpacked(product), product.pipeline, name=self.sample.id)

        return self.once(("pixels", product.recode, decode_hash(product.pipeline)), corrects)

    def unpacked(self, product: Product) -> Unpacked:
        # Decoders that agree bit for bit share what one of them decoded.
        how = decode_hash(unpacking(product.pipeline))
        return self.once(("unpacked", product.recode, how), lambda: self.unpack(product))

    def facts(self, product: Product) -> Facts:
        return facts_of(self.data(), self.pixels(product), product.pipeline)

    def unpack(self, product: Product) -> Unpacked:
        if not product.recode:
            self.counters.count(decodes=1)
            return unpack(self.data(), product.pipeline, name=self.sample.id)
        self.counters.count(recodes=1)
        plain = Product("frame", product.pipeline)
        data = self.recoded(self.recodes[product.recode], self.pixels(plain))
        return unpack(data, product.pipeline, name=self.sample.id)

    def recoded(self, recode: Recode, pixels: Image) -> bytes:
        definition = recode.stress.definition
        arguments = dict(recode.setting.arguments)
        key = recode.setting.key
        arguments |= draws_for(definition, key, sample=self.sample.id, seed=self.seed)
        data: bytes = definition.function(Encoded(self.data(), pixels), **arguments)
        return data

    def data(self) -> bytes:
        return self.once("data", lambda: self.dataset.read(self.sample))

    def once(self, key: object, make: Callable[[], MadeT]) -> MadeT:
        """Return what ``make`` returned, or raise the SampleError that it raised, the first time."""
        if key not in self.cache:
            try:
                self.cache[key] = make()
            except SampleError as error:
                self.cache[key] = error
        found = self.cache[key]
        if isinstance(found, SampleError):
            raise found
        made: MadeT = found
        return made
