"""Random bits in bulk: a fast stream, keyed by a slow generator."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.random import SFC64, Generator
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from roadworthy.types import Image

AT_ONCE = 32 * 1024
"""Pairs of normal numbers that are worked out at once: as many as stay in a core's cache."""


class _Key(ISeedSequence):
    """Hands the next numbers of a generator to another one as its key."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        words = self.generator.bit_generator.random_raw(n_words)
        return np.asarray(words, np.uint64).astype(dtype)


def stream(generator: Generator) -> Generator:
    """Return a generator keyed by the next 192 bits of ``generator``, for drawing in bulk.

    SFC64 gives bits about three times as fast as Philox, which is the larger part of the time that
    a noise takes; what it gives is still a function of the key of ``generator`` and of nothing else.
    """
    # NumPy takes any ISeedSequence; its stubs know only its own.
    return Generator(SFC64(_Key(generator)))  # type: ignore[arg-type]


def random_bytes(source: Generator, *shape: int) -> Image:
    """Return random bytes of ``shape``."""
    return _raw(source, prod(shape)).reshape(shape)


def bytes_below(source: Generator, choices: int, count: int) -> Image:
    """Return ``count`` random bytes below ``choices``, 1 to 256, each equally likely."""
    numbers = random_bytes(source, count)
    if choices & (choices - 1) == 0:
        return numbers & np.uint8(choices - 1)
    # Bytes beyond the last whole multiple are drawn again: their remainders would be too many.
    limit = 256 - 256 % choices
    again = np.flatnonzero(numbers >= limit)
    while len(again):
        fresh = random_bytes(source, len(again))
        numbers[again] = fresh
        again = again[fresh >= limit]
    # NumPy divides bytes fast, but has no fast remainder.
    numbers -= numbers // np.uint8(choices) * np.uint8(choices)
    return numbers


def random_halves(source: Generator, *shape: int) -> NDArray[np.uint16]:
    """Return random 16-bit numbers of ``shape``."""
    return _raw(source, 2 * prod(shape)).view("<u2").reshape(shape)


def random_signed(source: Generator, *shape: int) -> NDArray[np.float32]:
    """Return numbers of ``shape``, uniform on [-1, 1) in steps of 2 ** -23."""
    words = _raw(source, 4 * prod(shape)).view("<i4") >> 8
    field = words.astype(np.float32)
    field *= np.float32(2.0**-23)
    return field.reshape(shape)


def random_normal(source: Generator, *shape: int) -> NDArray[np.float32]:
    """Return numbers of ``shape`` from the standard normal distribution, to single precision."""
    field: NDArray[np.float32] = random_normals([source], *shape)[0]
    return field


def random_normals(sources: Sequence[Generator], *shape: int) -> NDArray[np.float32]:
    """Return (N, *shape) numbers, a row of each source, from the standard normal distribution.

    Vectorised, which NumPy's own are not, and over some rows at once, where rows are short. Uniform
    numbers of 32 bits let the tails end beyond 6.7. G. E. P. Box and M. E. Muller, Annals of
    Mathematical Statistics 1958.
    """
    count = prod(shape)
    half = -(-count // 2)
    field = np.empty((len(sources), 2, half), np.float32)
    together = max(1, AT_ONCE // max(1, half))
    for first in range(0, len(sources), together):
        some = sources[first : first + together]
        words = np.concatenate([_raw(source, 8 * half) for source in some]).view("<u4")
        _normal(words.reshape(len(some), 2, half), field[first : first + together])
    return field.reshape(len(sources), 2 * half)[:, :count].reshape(len(sources), *shape)


def _normal(words: NDArray[np.uint32], field: NDArray[np.float32]) -> None:
    """Write a normal number for each of ``words`` (N, 2, half) into ``field``, in pairs."""
    uniform = words.astype(np.float32)
    uniform += np.float32(0.5)  # large ones are rounded and stay; what matters is that none is 0
    uniform *= np.float32(2.0**-32)
    radius, angle = uniform[:, 0], uniform[:, 1]
    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= np.float32(2 * np.pi)
    np.cos(angle, out=field[:, 0])
    np.sin(angle, out=field[:, 1])
    field *= radius[:, None]


def _raw(source: Generator, count: int) -> Image:
    words = np.atleast_1d(source.bit_generator.random_raw(-(-count // 8)))
    return np.asarray(words, "<u8").view(np.uint8)[:count]
