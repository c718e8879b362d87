"""Several disjoint subsets of an image, each enough by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._subsets.back_select import back_select
from roadworthy.stress._subsets.confidence import Confidence
from roadworthy.stress._subsets.removal import Removal, sufficient
from roadworthy.stress._subsets.schedule import Schedule


@dataclass(frozen=True)
class _Some:
    """The confidence in some images of a batch, counted from 0."""

    whole: Confidence
    rows: Tensor

    def values(self, rows: Tensor, kept: Tensor) -> Tensor:
        return self.whole.values(self.rows[rows], kept)

    def gains(self, rows: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        return self.whole.gains(self.rows[rows], kept)


def members(
    confidence: Confidence,
    first: Removal,
    schedule: Schedule,
    threshold: float,
    most: int,
    *,
    device: torch.device | str = "cpu",
) -> NDArray[np.uint16]:
    """Return which subset each unit belongs to, (N, h, w): 1 for the first, 0 for none.

    The first is read off the order ``first``. For the next one all units of those before are removed
    at the beginning, as long as what is left reaches ``threshold``; up to ``most`` of them. Carter,
    Mueller, Jain & Gifford, AISTATS 2019 (SIScollection).
    """
    found = sufficient(first, threshold).kept.astype(np.uint16)
    active = np.flatnonzero(found.any((1, 2)))
    for number in range(2, most + 1):
        rows = torch.from_numpy(active).to(device)
        left = torch.from_numpy(found[active] == 0).to(device)
        if not len(active):
            break
        enough = (confidence.values(rows, left) >= threshold).cpu().numpy()
        active, rows, left = active[enough], rows[enough], left[enough]
        if not len(active):
            break
        subset = sufficient(back_select(_Some(confidence, rows), left, schedule), threshold)
        found[active] = np.where(subset.kept, np.uint16(number), found[active])
        active = active[subset.found]
    return found
