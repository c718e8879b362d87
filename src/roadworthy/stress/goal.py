"""What an attack is after, and the losses it can climb."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Goal:
    """The labels (N,) that predictions should leave, as indices into the classifier's outputs."""

    labels: Tensor


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of each sample in nats, (N,), which an untargeted attack raises."""
    return functional.cross_entropy(logits, labels, reduction="none")
