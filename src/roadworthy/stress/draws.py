"""Random draws as stresses see them: a small protocol with a fast and a reference implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._noise.base import Noise
from roadworthy.stress._noise.bits import (
    bytes_below,
    random_normal,
    random_normals,
    random_signed,
    stream,
)
from roadworthy.types import Image

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Wholes = NDArray[np.integer]
Window = tuple[slice, ...]
"""Which part of a field of draws is used; the reference draws all of it, the fast one only that."""


class Draws(Protocol):
    """The distributions that stresses draw from; one arithmetic runs on either implementation."""

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""

    def normal_field(self, shape: tuple[int, ...], *, window: Window | None = None) -> Singles:
        """Draw a standard normal field of ``shape`` in single precision; returns its ``window``."""

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""

    def signed(self, shape: tuple[int, ...]) -> Singles:
        """Draw uniformly from [-1, 1), in single precision."""

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Draw whole numbers uniformly from low to high - 1."""

    def pairs(self, span: int, count: int) -> Wholes:
        """Draw pairs of whole numbers below ``span``, each written as first * span + second."""

    def chance(self, probability: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Draw True with ``probability``, independently."""

    def poisson(self, mean: Floats) -> NDArray[np.int64]:
        """Draw whole numbers from the Poisson distributions of these means."""

    def noisy(self, image: Image, noise: Noise) -> Image:
        """Draw what becomes of ``image``, uint8 of any shape, clipped and truncated to 8 bits."""


@dataclass(frozen=True)
class FastDraws:
    """Draws for users, from a counter-based generator keyed by what is drawn for."""

    generator: np.random.Generator

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""
        return stream(self.generator).standard_normal(shape)

    def normal_field(self, shape: tuple[int, ...], *, window: Window | None = None) -> Singles:
        """Draw a standard normal field: only the window, its shape being enough."""
        if window is not None:
            ranges = (range(n)[part] for n, part in zip(shape, window, strict=True))
            shape = tuple(map(len, ranges))
        return random_normal(stream(self.generator), *shape)

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""
        return self.generator.uniform(low, high, shape)

    def signed(self, shape: tuple[int, ...]) -> Singles:
        """Draw uniformly from [-1, 1), in steps of 2 ** -23."""
        return random_signed(stream(self.generator), *shape)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Draw whole numbers uniformly from low to high - 1."""
        return self.generator.integers(low, high, shape)

    def pairs(self, span: int, count: int) -> Wholes:
        """Draw pairs of whole numbers below ``span``: one number for both, 8 bits if they do."""
        source, choices = stream(self.generator), span * span
        if choices > 256:
            return source.integers(0, choices, count)
        return bytes_below(source, choices, count)

    def chance(self, probability: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Draw True with ``probability``, independently."""
        return self.generator.random(shape) < probability

    def poisson(self, mean: Floats) -> NDArray[np.int64]:
        """Draw whole numbers from the Poisson distributions of these means."""
        return self.generator.poisson(mean)

    def noisy(self, image: Image, noise: Noise) -> Image:
        """Draw the 8-bit result straight from its law, which is the published one exactly."""
        return noise.sampled(np.ascontiguousarray(image), stream(self.generator))


@dataclass(frozen=True)
class ReferenceDraws:
    """Draws in the order of the published code, from the legacy MT19937 state, for golden tests."""

    state: np.random.RandomState

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""
        return self.state.normal(size=shape)

    def normal_field(self, shape: tuple[int, ...], *, window: Window | None = None) -> Singles:
        """Draw from the standard normal distribution; returns the window of the whole field."""
        return self.normal(shape)[window or ...].astype(np.float32)

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""
        return self.state.uniform(low, high, shape)

    def signed(self, shape: tuple[int, ...]) -> Singles:
        """Draw uniformly from [-1, 1), rounded to single precision."""
        return self.state.uniform(-1.0, 1.0, shape).astype(np.float32)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Draw whole numbers uniformly from low to high - 1."""
        return self.state.randint(low, high, size=shape, dtype=np.int64)

    def pairs(self, span: int, count: int) -> Wholes:
        """Draw pairs of whole numbers below ``span``, first and second in turn."""
        first, second = self.state.randint(0, span, size=(count, 2), dtype=np.int64).T
        return np.asarray(first * span + second)

    def chance(self, probability: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Draw True with ``probability``: one uniform number each, as NumPy's ``choice`` does."""
        return self.state.random_sample(shape) < probability

    def poisson(self, mean: Floats) -> NDArray[np.int64]:
        """Draw whole numbers from the Poisson distributions of these means."""
        return np.asarray(self.state.poisson(mean), np.int64)

    def noisy(self, image: Image, noise: Noise) -> Image:
        """Compute the published formula, clip, and truncate: nothing is rounded."""
        return (np.clip(noise.published(image, self), 0.0, 1.0) * 255.0).astype(np.uint8)


@dataclass(frozen=True)
class BatchDraws:
    """Draws for a batch: each sample has its own generator, so no result depends on the batch."""

    each: Sequence[Draws]

    def at(self, rows: Any) -> BatchDraws:
        """Return the draws of the samples ``rows``, indices or a mask as an array or tensor."""
        positions = np.arange(len(self.each))[
            np.asarray(rows.cpu() if hasattr(rows, "cpu") else rows)
        ]
        return BatchDraws([self.each[i] for i in positions.tolist()])

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw (N, *shape) standard normal numbers, one row from each sample's generator."""
        return np.stack([draws.normal(shape) for draws in self.each])

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw (N, *shape) uniform numbers, one row from each sample's generator."""
        return np.stack([draws.uniform(low, high, shape) for draws in self.each])

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Draw (N, *shape) whole numbers from low to high - 1, one row from each generator."""
        return np.stack([draws.integers(low, high, shape) for draws in self.each])

    def signed(self, shape: tuple[int, ...]) -> Singles:
        """Draw (N, *shape) uniform numbers of [-1, 1) in single precision."""
        return np.stack([draws.signed(shape) for draws in self.each])

    def singles(self, shape: tuple[int, ...]) -> Singles:
        """Draw (N, *shape) standard normal numbers in single precision."""
        fast = [draws.generator for draws in self.each if isinstance(draws, FastDraws)]
        if len(fast) == len(self.each):  # as one by one, but faster
            return random_normals(list(map(stream, fast)), *shape)
        return np.stack([draws.normal_field(shape) for draws in self.each])
