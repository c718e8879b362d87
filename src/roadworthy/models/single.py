"""Networks with one output, the logit of the second of two classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from roadworthy.models.classifier import outputs

SINGLE = (
    "one output: taken for the logit of class 1 against class 0, as a sigmoid would; a network that "
    "ends in a sigmoid must leave it out"
)


class TwoLogits(nn.Module):
    """A network with one output z as one with two logits, 0 and z: their softmax is its sigmoid."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 2); the network may give (N, 1), or (N,), or a number for one image."""
        z = outputs(self.network(x), type(self.network).__name__).reshape(len(x), 1)
        return torch.cat([torch.zeros_like(z), z], dim=1)
