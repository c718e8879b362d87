"""Everything that is wanted of one image, each stage done once however many need it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, TypeVar

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

FILE = -1
"""Where a kitchen keeps the bytes of its file; what is made of them has numbers from 0 on."""


@dataclass(frozen=True)
class Product:
    """One thing to make of an image: its frame, or the resized picture before the crop.

    With ``recode``, of the file as a BYTES stress wrote it anew.
    """

    kind: Literal["frame", "resized"]
    pipeline: Pipeline
    recode: str = ""  # "stress digest/variant key": what tells recoded files apart


@dataclass(frozen=True)
class Recode:
    """A BYTES variant to make while the pixels are at hand."""

    stress: Stress
    setting: Setting

    @property
    def key(self) -> str:
        """What tells this recoding from others."""
        return f"{self.stress.digest}/{self.setting.key}"


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


@dataclass(frozen=True, eq=False)
class Order:
    """A product, and what it shares with others: settled once a block, since hashes are not free.

    ``decoded`` and ``pixels`` tell the file as a decoder gives it, and turned and colour-managed.
    """

    product: Product
    expected: tuple[int, int] | None  # (height, width) of the frame, where that is known
    decoded: int
    pixels: int
    uncropped: int | None  # of what is resized, where that is wanted as well


def orders(
    products: Iterable[Product], sizes: Mapping[Pipeline, tuple[int, int]]
) -> dict[Product, Order]:
    """Return an order for each product; those that share a stage have the same number for it."""
    products = list(products)
    numbers: dict[object, int] = {}
    uncropped = {(p.recode, p.pipeline) for p in products if p.kind == "resized"}

    def number(*key: object) -> int:
        return numbers.setdefault(key, len(numbers))

    def order(product: Product) -> Order:
        pipeline, recode = product.pipeline, product.recode
        size = sizes.get(pipeline) if product.kind == "frame" else None
        # Decoders that agree bit for bit share what one of them decoded.
        decoded = number("decoded", recode, decode_hash(unpacking(pipeline)))
        pixels = number("pixels", recode, decode_hash(pipeline))
        shared = (recode, pipeline) in uncropped
        return Order(
            product,
            size,
            decoded,
            pixels,
            number("resized", recode, pipeline) if shared else None,
        )

    # What a BYTES stress writes anew are the pixels of the file as it came.
    plain = [Product("frame", p.pipeline) for p in products if p.recode]
    return {product: order(product) for product in (*products, *plain)}


@dataclass(frozen=True)
class Shared:
    """What the kitchens of a block share."""

    dataset: Dataset
    recodes: Mapping[str, Recode]
    seed: int
    counters: Counters
    orders: Mapping[Product, Order]


class Kitchen:
    """Makes products of one sample, sharing every stage that several of them need."""

    def __init__(self, sample: Sample, shared: Shared) -> None:
        self.sample, self.shared = sample, shared
        self._known: dict[int, Any] = {}

    def make(self, order: Order) -> Image:
        """Return a product; raises SampleError where it cannot be made or is of another size."""
        product = order.product
        if order.uncropped is None:
            image = frame_of(self._pixels(order), product.pipeline)
        else:
            image = self._resized(order, order.uncropped)
            image = image if product.kind == "resized" else framed(image, product.pipeline)
        expected = order.expected
        if expected is not None and image.shape[:2] != expected:
            raise SampleError(
                f'"{self.sample.id}": the image is {image.shape[1]}x{image.shape[0]} pixels, but '
                f"the first of this data set is {expected[1]}x{expected[0]} and the model "
                f"has no size of its own; give the model size="
            )
        return image

    def facts(self, order: Order) -> Facts:
        """Return what the file says of itself; the product has been made."""
        header = self._unpacked(order).header
        return facts_of(header, self._pixels(order), order.product.pipeline)

    def _resized(self, order: Order, number: int) -> Image:
        return self._once(number, lambda: resized(self._pixels(order), order.product.pipeline))

    def _pixels(self, order: Order) -> Image:
        def corrects() -> Image:
            return corrected(self._unpacked(order), order.product.pipeline, name=self.sample.id)

        return self._once(order.pixels, corrects)

    def _unpacked(self, order: Order) -> Unpacked:
        return self._once(order.decoded, lambda: self._unpack(order.product))

    def _unpack(self, product: Product) -> Unpacked:
        counters = self.shared.counters
        if not product.recode:
            counters.count(decodes=1)
            return unpack(self._data(), product.pipeline, name=self.sample.id)
        counters.count(recodes=1)
        plain = self.shared.orders[Product("frame", product.pipeline)]
        data = self._recoded(self.shared.recodes[product.recode], self._pixels(plain))
        return unpack(data, product.pipeline, name=self.sample.id)

    def _recoded(self, recode: Recode, pixels: Image) -> bytes:
        definition = recode.stress.definition
        arguments = dict(recode.setting.arguments)
        key = recode.setting.key
        arguments |= draws_for(definition, key, sample=self.sample.id, seed=self.shared.seed)
        data: bytes = definition.function(Encoded(self._data(), pixels), **arguments)
        return data

    def _data(self) -> bytes:
        return self._once(FILE, lambda: self.shared.dataset.read(self.sample))

    def _once(self, number: int, make: Callable[[], MadeT]) -> MadeT:
        """Return what ``make`` returned, or raise the SampleError that it raised, the first time."""
        known = self._known
        if number not in known:
            try:
                known[number] = make()
            except SampleError as error:
                known[number] = error
        found = known[number]
        if isinstance(found, SampleError):
            raise found
        made: MadeT = found
        return made
