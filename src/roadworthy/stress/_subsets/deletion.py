"""What is left of subsets once every unit is gone that they can do without."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from roadworthy.stress._subsets.confidence import Confidence
from roadworthy.stress._subsets.removal import NEVER, sequence

Flags = NDArray[np.bool_]


def deleted(
    confidence: Confidence,
    subsets: Flags,
    order: NDArray[np.uint16],
    threshold: float,
    *,
    together: int,
    device: str = "cpu",
) -> Flags:
    """Return subsets of ``subsets`` (N, h, w) that still reach ``threshold``, (N, h, w).

    One pass over the units in the ``order`` (N, h, w) in which they would have gone next, so many
    ``together``: they go if the confidence without them still reaches the threshold. One by one, and
    where more units never mean less confidence, no unit of the result can be done without.
    """
    count, *grid = subsets.shape
    kept = torch.from_numpy(subsets.reshape(count, grid[0] * grid[1]).copy()).to(device)
    chosen = np.where(subsets, order, NEVER).astype(np.uint16)
    queues = [sequence(one) for one in chosen]
    longest = max(map(len, queues), default=0)
    nobody = kept.shape[1]  # stands where a queue has ended
    waiting = np.full((count, longest), nobody, np.int64)
    for row, queue in zip(waiting, queues, strict=True):
        row[: len(queue)] = queue
    units = torch.from_numpy(waiting).to(device)
    for start in range(0, longest, together):
        lot = units[:, start : start + together]
        rows = (lot[:, 0] != nobody).nonzero().squeeze(1)
        gone = torch.zeros(len(rows), nobody + 1, dtype=torch.bool, device=device)
        without = kept[rows] & ~gone.scatter(1, lot[rows], value=True)[:, :nobody]
        enough = confidence.values(rows, without.view(-1, *grid)) >= threshold  # NaN is never
        kept[rows] = torch.where(enough[:, None], without, kept[rows])
    return kept.view(-1, *grid).cpu().numpy()
