"""Small networks for tests of models: quick to run, with something in each that can go wrong."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

CLASSES = 7


Network = TypeVar("Network", bound=nn.Module)


def seeded(module: Network, seed: int = 0) -> Network:
    """Give every parameter and buffer of ``module`` a value that matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                drawn = torch.randn(tensor.shape, generator=generator) * 0.5
                tensor.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return module


class Plain(nn.Module):
    """Convolution, norm, ReLU, twice; then a linear layer on the global mean."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 6, 3, stride=2)
        self.bn2 = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, classes)

    def features(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).mean(dim=(2, 3)))
        return logits


class Reuses(Plain):
    """The output of the first convolution is used beside its norm: folding would be wrong."""

    def forward(self, x: Tensor) -> Tensor:
        z = self.conv1(x)
        z = torch.relu(self.bn1(z)) + z
        logits: Tensor = self.head(torch.relu(self.bn2(self.conv2(z))).mean(dim=(2, 3)))
        return logits


class CallsTwice(Plain):
    """The first convolution runs twice, once without its norm."""

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.bn1(self.conv1(x))) + self.conv1(x.flip(-1))
        logits: Tensor = self.head(torch.relu(self.bn2(self.conv2(z))).mean(dim=(2, 3)))
        return logits


class InPlace(Plain):
    """An in-place ReLU stands between convolution and norm, in the same tensor object."""

    def forward(self, x: Tensor) -> Tensor:
        z = self.bn1(torch.relu_(self.conv1(x)))
        logits: Tensor = self.head(torch.relu(self.bn2(self.conv2(z))).mean(dim=(2, 3)))
        return logits


class Means(nn.Module):
    """Logits are fixed multiples of the channel means of the input: easy to compute by hand."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(3.0 * outputs).reshape(outputs, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) @ self.weight.T
