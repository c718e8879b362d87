"""The nouns of the engine: taps, needs, classes, samples, variants and the two protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from roadworthy.pipeline.base import Pipeline

Image = NDArray[np.uint8]
"""An image or a batch of images: uint8, (H, W, 3) or (N, H, W, 3), RGB."""

Logits = NDArray[np.float32]
"""Logits of a batch: float32, (N, outputs)."""


class Tap(IntEnum):
    """Where in the data flow a stress acts; everything after the tap is the engine's."""

    BYTES = 0
    PIPELINE = 1
    RESIZED = 2
    IMAGE = 3
    INPUT = 4
    MODEL = 5


class Need(StrEnum):
    """What a stress needs from a classifier, or what a classifier gives."""

    GRADIENT = "gradient"
    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LABELS = "labels"


def with_implied(gives: frozenset[Need]) -> frozenset[Need]:
    """Return ``gives`` with what follows from it: probabilities from logits, labels from either."""
    if Need.LOGITS in gives:
        gives |= {Need.PROBABILITIES}
    return gives | {Need.LABELS} if Need.PROBABILITIES in gives else gives


@dataclass(frozen=True)
class Classes:
    """What the labels of a model or a data set mean.

    ``count`` is the number of classes (``None`` where a data set does not say). ``names`` and
    ``wnids`` are in index order where known. ``offset`` is the number of outputs before the first
    class: 1 for networks with 1001 outputs whose index 0 is "background".
    """

    count: int | None
    names: tuple[str, ...] | None = None
    wnids: tuple[str, ...] | None = None
    offset: int = 0

    def permuted(self, other: Classes) -> bool:
        """Whether ``other`` has the same classes in another order; those spelt otherwise do not count."""
        pairs = ((self.wnids, other.wnids), (self.names, other.names))
        return any(a and b and a != b and sorted(a) == sorted(b) for a, b in pairs)


@dataclass(frozen=True)
class Sample:
    """One labelled image: where it is, never its pixels.

    ``id`` is stable and readable (a relative path, or ``file#row``), unique inside its data set.
    ``label`` is an index into the data set's classes. ``content`` is a short hex digest of the
    encoded bytes and the label, so that a changed file or label is a different sample.
    ``location`` is whatever the data set needs to read the bytes. ``columns`` are extra columns
    (a target class, a slice), kept as they came.
    """

    id: str
    label: int
    content: str
    location: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)


class Dataset(Protocol):
    """Labelled encoded images."""

    @property
    def spec(self) -> str:
        """Canonical text of the spec that names this data set."""

    @property
    def classes(self) -> Classes:
        """What the labels mean."""

    @property
    def samples(self) -> Sequence[Sample]:
        """All samples, in the order of the files; no pixels are read."""

    def read(self, sample: Sample) -> bytes:
        """Return the encoded bytes of one sample; raises SampleError naming it if it cannot."""


class Classifier(Protocol):
    """A classifier: five members, everything else is a free function."""

    @property
    def id(self) -> str:
        """``provider/name@fingerprint``; the fingerprint covers weights, structure and normalisation."""

    @property
    def pipeline(self) -> Pipeline:
        """How this model wants its frame made, as its card says."""

    @property
    def classes(self) -> Classes:
        """What the outputs mean."""

    @property
    def gives(self) -> frozenset[Need]:
        """What a stress may ask of it."""

    def logits(self, x: Any) -> Any:
        """Return logits (N, classes) of a float batch in [0, 1], NCHW, of any frame size.

        Resizes (differentiably) and normalises inside. Torch classifiers take and return torch
        tensors on any device and are differentiable where ``GRADIENT`` is given.
        """


def says_scores(model: Classifier) -> bool:
    """Whether a model says more of an image than which class it is."""
    return Need.PROBABILITIES in with_implied(model.gives)


@dataclass(frozen=True)
class Metadata:
    """Optional facts about a model, carried into every row."""

    family: str | None = None
    training: str | None = None
    pretraining: str | None = None
    parameters: int | None = None
