"""Randomness: counter-based generators keyed by what is drawn for, never global state."""

from __future__ import annotations

import hashlib

import numpy as np


def digest(*parts: object, size: int = 16) -> str:
    """Return a BLAKE2b hex digest of ``parts``; unambiguous, since each part is length-prefixed."""
    pieces: list[bytes] = []
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        pieces += (len(data).to_bytes(8, "little"), data)
    return hashlib.blake2b(b"".join(pieces), digest_size=size).hexdigest()


def rng_for(seed: int, stress: str, version: int, sample: str, level: str) -> np.random.Generator:
    """Return the generator for one sample under one level of one stress.

    Philox is counter-based and its key is a hash of everything that names the draw, so that
    ``gaussian_noise(severity=3)`` alone and inside a suite is the same picture, in any order, with
    any batch size and on any number of workers.
    """
    key = int(digest(seed, stress, version, sample, level), 16)
    return np.random.Generator(np.random.Philox(key=key))
