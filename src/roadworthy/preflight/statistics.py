"""Names for the means and deviations that are in use."""

from __future__ import annotations

import numpy as np

from roadworthy.models.statistics import DEVIATIONS, MEANS
from roadworthy.preflight.base import Stats
from roadworthy.preflight.scale import Scale

BYTES = 1 / 255

KNOWN: dict[str, tuple[Stats, Stats]] = {
    **{word: (MEANS[word], DEVIATIONS[word]) for word in MEANS},
    "bytes": ((0.0, 0.0, 0.0), (BYTES, BYTES, BYTES)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "caffe": (
        (103.939 * BYTES, 116.779 * BYTES, 123.68 * BYTES),
        (BYTES, BYTES, BYTES),
    ),
}
"""Mean and deviation per output channel in units of [0, 1]; bytes are left as 0..255."""

CLOSE = 2e-4
"""How far a constant may be off, relative to the deviation and beside what the numbers lose."""


def words_for(scale: Scale) -> tuple[str, str]:
    """Return the name of a measured normalisation, or its numbers, and a sentence on what it does."""
    return words_of(scale.mean, scale.std, slack=CLOSE + 4 * scale.noise / 255 / min(scale.std))


def named(scale: Scale) -> tuple[Stats, Stats]:
    """Return mean and deviation, those of the normalisation's name where it has one."""
    first, second, third = (
        round(value, 7) + 0.0 for value in scale.mean
    )  # 0 is never measured as 0
    measured = _rounded((first, second, third)), _rounded(scale.std)
    return KNOWN.get(words_for(scale)[0], measured)


def _rounded(values: Stats) -> Stats:
    """Return six significant digits: what is beyond them is the rounding of float32."""
    first, second, third = (float(f"{value:.6g}") + 0.0 for value in values)
    return first, second, third


def words_of(mean: Stats, std: Stats, *, slack: float = CLOSE) -> tuple[str, str]:
    """Return the name of a normalisation, or its numbers, and a sentence that says what it does."""
    name = next((n for n, known in KNOWN.items() if _close((mean, std), known, slack)), None)
    numbers = f"mean={_listed(mean)}, std={_listed(std)}"
    low = min(-m / s for m, s in zip(mean, std, strict=True))
    high = max((1 - m) / s for m, s in zip(mean, std, strict=True))
    said = f"black to white come out as {_short(low)} to {_short(high)}"
    return name or numbers, f"{numbers}; {said}" if name else said


def _close(found: tuple[Stats, Stats], known: tuple[Stats, Stats], slack: float) -> bool:
    (mean, std), (other_mean, other_std) = (map(np.array, pair) for pair in (found, known))
    off = np.abs(mean - other_mean) / other_std, np.abs(std / other_std - 1)
    return bool(max(o.max() for o in off) <= slack)


def _listed(values: Stats) -> str:
    return f"({', '.join(map(_short, values))})"


def _short(value: float) -> str:
    return f"{round(value, 6) + 0.0:.5g}"
