"""Twins: a file that is read in an unknown way, and lossless ones of what known ways make of it.

A pipeline that answers a file as it answers one of its twins has decoded it so, whatever it does to
pixels afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.preflight.match import APART, Match
from roadworthy.preflight.observe import Answers
from roadworthy.preflight.probes.base import Probe, lossless
from roadworthy.preflight.scale import Scale
from roadworthy.seed import digest
from roadworthy.types import Image

CLOSE, CLOSE_MEAN = 1.6, 0.25
"""Levels by which answers may differ, at most and on average, where codecs round differently."""


@dataclass(frozen=True)
class Twins:
    """Who compares answers to a file with those to its twins; ``scale`` is None where not known."""

    answers: Answers
    scale: Scale | None

    def apart(self, name: str, pixels: Image) -> Match:
        """Return how far the answer to the probe ``name`` is from that to a PNG of ``pixels``."""
        seen, twin = self.answers.arrays.get(name), self.answers.ask(twin_of(name, pixels))
        if seen is None or twin is None or seen.shape != twin.shape:
            return APART
        if np.array_equal(seen, twin, equal_nan=True):
            return Match(0.0, 0.0)
        return self._levels(seen, twin)

    def _levels(self, seen: NDArray[Any], twin: NDArray[Any]) -> Match:
        if self.scale is None:
            return APART
        gain = max(self.scale.gain)
        difference = np.abs(seen.astype(np.float64) - twin.astype(np.float64)) / gain
        return Match(float(difference.max()), float(difference.mean()), self.scale.noise)

    def which(self, name: str, ways: Iterable[tuple[str, Callable[[], Image]]]) -> str | None:
        """Return the one of the named ways that makes of ``name`` what the pipeline shows.

        None where none does, and where ways that differ come out alike.
        """
        exact: dict[str, Image] = {}
        close: list[tuple[float, str]] = []
        for way, draw in ways:
            pixels = draw()
            found = self.apart(name, pixels)
            if found.largest <= found.noise:
                exact[way] = pixels
            elif is_close(found):
                close.append((found.mean, way))
        if exact:
            first, *others = exact.values()
            alike = all(np.array_equal(first, other) for other in others)
            return next(iter(exact)) if alike else None
        return min(close)[1] if close else None

    def tells(self, name: str, pixels: Image) -> bool:
        """Whether the pipeline answers slightly other pixels than these in another way.

        They are a level darker, or have the colours of 2 x 2 pixels mixed: what decoders differ by.
        """
        usual = self.answers.ask(twin_of(name, pixels))
        others = [self.answers.ask(twin_of(name, changed)) for changed in changes(pixels)]
        return usual is not None and not any(
            other is not None and np.array_equal(usual, other, equal_nan=True) for other in others
        )


def changes(pixels: Image) -> tuple[Image, Image]:
    """Return pixels (H, W, 3) a level darker, and with red and blue averaged over 2 x 2 pixels."""
    darker = np.maximum(pixels, 1) - np.uint8(1)
    mixed = pixels.copy()
    rows, columns = (side - side % 2 for side in pixels.shape[:2])
    for channel in (0, 2):
        plane = pixels[:rows, :columns, channel].astype(np.uint16)
        total = plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]
        mean = ((total + 2) // 4).astype(np.uint8)
        mixed[:rows, :columns, channel] = mean.repeat(2, axis=0).repeat(2, axis=1)
    return darker, mixed


def is_close(found: Match) -> bool:
    """Whether rounding in another codec explains a difference between twins."""
    return found.largest <= CLOSE + found.noise and found.mean <= CLOSE_MEAN + found.noise


_TWINS: dict[str, Probe] = {}


def twin_of(name: str, pixels: Image) -> Probe:
    """Return a lossless probe of ``pixels``; the same pixels give the same one."""
    content = digest(pixels.shape, np.ascontiguousarray(pixels).tobytes(), size=4)
    twin = f"twin_{name.partition('_')[0]}_{content}"
    if twin not in _TWINS:
        _TWINS[twin] = lossless(twin, lambda: pixels)
    return _TWINS[twin]
