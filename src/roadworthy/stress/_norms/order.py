"""The largest elements of every sample, the same ones whatever else is in the batch."""

from __future__ import annotations

import torch
from torch import Tensor


def largest(values: Tensor, counts: Tensor) -> Tensor:
    """Return a mask of the ``counts`` (N,) largest of each row of ``values`` (N, D).

    Of equal values the first are taken: which ones top-k returns may depend on how many another
    sample wants.
    """
    counts = counts.clamp(0, values.shape[1]).long().unsqueeze(1)
    most = max(int(counts.max()), 1) if len(counts) else 1
    ordered = values.topk(most, dim=1).values
    last = ordered.gather(1, (counts - 1).clamp_min(0))
    above, equal = values > last, values == last
    return above | (equal & (equal.cumsum(1) <= counts - above.sum(1, keepdim=True)))


def spread(mask: Tensor, like: Tensor) -> Tensor:
    """Return the rows of ``mask`` (N, D) in the shape and memory layout of ``like``."""
    return torch.empty_like(like, dtype=torch.bool).copy_(mask.view(like.shape))
