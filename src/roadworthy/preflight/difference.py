"""How far apart two pictures are, in levels of 255."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.preflight.layout import Floats

SAME = 1e-3
"""Levels below which a difference is that of float32."""


@dataclass(frozen=True)
class Difference:
    """Of all values of some pictures: mean, signed mean, 99th percentile and largest |difference|.

    The sign is that of deployment minus training.
    """

    mean: float
    signed: float
    p99: float
    largest: float

    @property
    def none(self) -> bool:
        """Whether there is no difference beyond rounding of floats."""
        return self.largest <= SAME

    def as_dict(self) -> dict[str, float]:
        """Return the four numbers by name."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return (
            f"mean {self.mean:.2f}, signed {self.signed:+.2f}, p99 {self.p99:.1f}, "
            f"max {self.largest:.0f}"
        )


def difference(pairs: Iterable[tuple[NDArray[np.generic], NDArray[np.generic]]]) -> Difference:
    """Return the difference of the second of each pair from the first, pictures of equal shape."""
    parts: list[Floats] = [
        (np.asarray(after, np.float32) - np.asarray(before, np.float32)).ravel()
        for before, after in pairs
    ]
    signed = np.concatenate(parts) if parts else np.zeros(1, np.float32)
    size = np.abs(signed)
    return Difference(
        mean=float(size.mean(dtype=np.float64)),
        signed=float(signed.mean(dtype=np.float64)),
        p99=float(np.percentile(size, 99)),
        largest=float(size.max()),
    )
