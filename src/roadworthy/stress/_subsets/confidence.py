"""How sure a model is of one class of each image, of which it is shown a part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress.masks.base import Shown

TRIED_AT_ONCE = 128
SLOPES_AT_ONCE = 64
"""Images of a small frame in one pass without and with a gradient; larger batches are no faster."""

FRAME = 32 * 32
"""Pixels of the frames that these numbers are meant for; of larger frames fewer fit the caches."""

FEWEST = 16


class Confidence(Protocol):
    """A number for each of N images that says how sure a model is, given what is kept of it."""

    def values(self, rows: Tensor, kept: Tensor) -> Tensor:
        """Return the number (B,) of the images ``rows`` (B,), of which ``kept`` (B, h, w) is there."""

    def gains(self, rows: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number (B,), and to first order what it gains by the loss of each unit (B, h, w).

        Only the ranks of the gains of one image matter: any positive multiple will do.
        """


@dataclass(frozen=True)
class OfClass:
    """The softmax probability of the classes (N,) of N images; counts passes image by image."""

    shown: Shown
    classes: Tensor
    forwards: NDArray[np.int64] = field(init=False)
    backwards: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("forwards", "backwards"):
            object.__setattr__(self, name, np.zeros(len(self.classes), np.int64))

    def values(self, rows: Tensor, kept: Tensor) -> Tensor:
        """Return the probability (B,) in float64; NaN where the model says nothing finite."""
        np.add.at(self.forwards, rows.cpu().numpy(), 1)
        found = [
            probability(self._of(r).logits(k), self.classes[r])
            for r, k in _pieces(rows, kept, at_once(TRIED_AT_ONCE, self.shown.frame))
        ]
        return torch.cat(found)

    def gains(self, rows: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probability and what its log-odds gain by the loss of each unit.

        The slope of the probability is that of the log-odds times p (1 - p): the same ranks, but
        there is something left to rank where p rounds to 1.
        """
        counted = rows.cpu().numpy()
        np.add.at(self.forwards, counted, 1)
        np.add.at(self.backwards, counted, 1)
        values, gains = [], []
        for r, k in _pieces(rows, kept, at_once(SLOPES_AT_ONCE, self.shown.frame)):
            classes = self.classes[r]
            logits, effects = self._of(r).effects(k, log_odds, classes)
            values.append(probability(logits, classes))
            gains.append(effects)
        return torch.cat(values), torch.cat(gains)

    def _of(self, rows: Tensor) -> Shown:
        everyone = len(rows) == len(self.classes) and bool((rows.diff() == 1).all())
        return self.shown if everyone else self.shown.at(rows)


def at_once(most: int, frame: tuple[int, int]) -> int:
    """Return how many images of a frame go through a model together: ``most`` of a small one."""
    return max(FEWEST, most * FRAME // max(FRAME, frame[0] * frame[1]))


def _pieces(rows: Tensor, kept: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(torch.split(rows, size), torch.split(kept, size), strict=True))


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """Return the logarithm of p / (1 - p) of the probability of each image's class, (N,)."""
    at = classes[:, None]
    others = logits.scatter(1, at, float("-inf")).logsumexp(1)
    return logits.gather(1, at).squeeze(1) - others


def probability(logits: Tensor, classes: Tensor) -> Tensor:
    """Return the softmax probability of each image's class, (N,), in float64; NaN for NaN."""
    shares = logits.detach().double().softmax(1)
    return shares.gather(1, classes[:, None]).squeeze(1)
