"""Randomness: counter-based generators keyed by what is drawn for, never global state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np


def digest(*parts: object, size: int = 16) -> str:
    """Return a BLAKE2b hex digest of ``parts``; unambiguous, since each part is length-prefixed."""
    return hashlib.blake2b(_prefixed(parts), digest_size=size).hexdigest()


def digests(*parts: object) -> Callable[[str], str]:
    """Return a function of a text that returns ``digest(*parts, text)``, for thousands of texts."""
    begun = hashlib.blake2b(_prefixed(parts), digest_size=16)

    def finish(text: str) -> str:
        data, whole = text.encode(), begun.copy()
        whole.update(len(data).to_bytes(8, "little") + data)
        return whole.hexdigest()

    return finish


def _prefixed(parts: Iterable[object]) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        pieces += (len(data).to_bytes(8, "little"), data)
    return b"".join(pieces)


def rng_for(seed: int, stress: str, version: int, sample: str, level: str) -> np.random.Generator:
    """Return the generator for one sample under one level of one stress.

    Philox is counter-based and its key is a hash of everything that names the draw, so that
    ``gaussian_noise(severity=3)`` alone and inside a suite is the same picture, in any order, with
    any batch size and on any number of workers.
    """
    key = int(digest(seed, stress, version, sample, level), 16)
    return np.random.Generator(np.random.Philox(key=key))
