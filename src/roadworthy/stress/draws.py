"""Random draws as stresses see them: a small protocol with a fast and a reference implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Draws(Protocol):
    """The distributions that stresses draw from; one arithmetic runs on either implementation."""

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""


@dataclass(frozen=True)
class FastDraws:
    """Draws for users, from a counter-based generator keyed by what is drawn for."""

    generator: np.random.Generator

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""
        return self.generator.standard_normal(shape)

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""
        return self.generator.uniform(low, high, shape)


@dataclass(frozen=True)
class ReferenceDraws:
    """Draws in the order of the published code, from the legacy MT19937 state, for golden tests."""

    state: np.random.RandomState

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw from the standard normal distribution."""
        return self.state.normal(size=shape)

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw uniformly from [low, high)."""
        return self.state.uniform(low, high, shape)


@dataclass(frozen=True)
class BatchDraws:
    """Draws for a batch: each sample has its own generator, so no result depends on the batch."""

    each: Sequence[Draws]

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Draw (N, *shape) standard normal numbers, one row from each sample's generator."""
        return np.stack([draws.normal(shape) for draws in self.each])

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Draw (N, *shape) uniform numbers, one row from each sample's generator."""
        return np.stack([draws.uniform(low, high, shape) for draws in self.each])
