"""The CIFAR ResNets of He et al., CVPR 2016, section 4.2: 6n+2 layers of 16, 32 and 64 channels.

Shortcuts have no parameters (option A): where the frame is halved every second pixel is taken, and
the new channels are zero, half of them before and half behind the old ones.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.new = outputs - inputs

    def shortcut(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        before = self.new // 2
        return functional.pad(x, (0, 0, 0, 0, before, self.new - before))

    def forward(self, x: Tensor) -> Tensor:
        z = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(z)) + self.shortcut(x))


class ResNet(nn.Module):
    """A first convolution, three stages of ``blocks`` blocks, global mean, one linear layer."""

    def __init__(self, blocks: int, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = stage(WIDTHS[0], WIDTHS[0], blocks)
        self.layer2 = stage(WIDTHS[0], WIDTHS[1], blocks)
        self.layer3 = stage(WIDTHS[1], WIDTHS[2], blocks)
        self.linear = nn.Linear(WIDTHS[2], classes)

    def forward(self, x: Tensor) -> Tensor:
        z = functional.relu(self.bn1(self.conv1(x)))
        z = self.layer3(self.layer2(self.layer1(z)))
        logits: Tensor = self.linear(torch.mean(z, dim=(2, 3)))
        return logits


def stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    widths = [inputs] + [outputs] * blocks
    return nn.Sequential(*(Block(a, b) for a, b in itertools.pairwise(widths)))


def resnet20(classes: int = 10) -> ResNet:
    return ResNet(3, classes)


def resnet32(classes: int = 10) -> ResNet:
    return ResNet(5, classes)


def resnet44(classes: int = 10) -> ResNet:
    return ResNet(7, classes)


def resnet56(classes: int = 10) -> ResNet:
    return ResNet(9, classes)
