"""Gradient attacks in parts, written out from the papers: one image, one gradient, one pixel at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from boundary_world import Bare
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from roadworthy.stress.draws import FastDraws

Floats = NDArray[np.float64]
SHAPE = (3, 9, 8)


def bent(shape: tuple[int, ...] = SHAPE, classes: int = 5) -> Bare:
    """Two layers with a smooth bend between them, steep enough that gradients turn in a ball."""
    generator = torch.Generator().manual_seed(3)
    into = torch.randn((16, *shape), generator=generator, dtype=torch.float64)
    out = torch.randn((classes, 16), generator=generator, dtype=torch.float64)

    def logits(x: Tensor) -> Tensor:
        hidden = torch.tanh(((x - 0.3)[:, None] * into.to(x)).sum((2, 3, 4)))
        return (hidden[:, None] * out.to(x)).sum(2)

    return Bare(logits)


@dataclass(frozen=True)
class Slowly:
    """The attack that the parts name; a part that is None is left out."""

    eps: float
    steps: int
    alpha: float
    decay: float = 1.0
    copies: int | None = None
    diverse: tuple[float, float] | None = None
    kernel: tuple[int, float] | None = None
    variance: tuple[int, float] | None = None
    nesterov: bool = False

    def attack(self, model: Bare, image: Tensor, label: int, rng: FastDraws) -> Tensor:
        """Attack one image (C, H, W) and return what comes of it."""
        z, momentum, tuned = image.clone(), torch.zeros_like(image), torch.zeros_like(image)
        for step in range(self.steps):
            point = z
            if self.nesterov:
                point = z + self.alpha * self.decay * momentum * image.numel()
            gradient = self._gradient(model, point, label, rng)
            used = gradient + tuned
            if self.variance is not None and step < self.steps - 1:
                draws, radius = self.variance
                around = []
                for _ in range(draws):
                    noise = torch.from_numpy(rng.signed(tuple(image.shape))).double()
                    near = point + radius * self.eps * noise
                    around.append(self._gradient(model, near, label, rng))
                tuned = sum(around, torch.zeros_like(image)) / draws - gradient
            if self.kernel is not None:
                used = smoothed(used, *self.kernel)
            momentum = self.decay * momentum + used / used.abs().sum()
            z = z + self.alpha * momentum.sign()
            z = torch.minimum(torch.maximum(z, image - self.eps), image + self.eps).clamp(0, 1)
        return z

    def _gradient(self, model: Bare, point: Tensor, label: int, rng: FastDraws) -> Tensor:
        total, copies = torch.zeros_like(point), self.copies or 1
        for power in range(copies):
            shown = self._view(rng)
            leaf = point.clone().requires_grad_()
            logits = model.function(shown(leaf / 2**power)[None])
            loss = functional.cross_entropy(logits, torch.tensor([label]))
            total += torch.autograd.grad(loss, leaf)[0]
        return total / copies

    def _view(self, rng: FastDraws) -> Callable[[Tensor], Tensor]:
        if self.diverse is None:
            return lambda image: image
        rate, probability = self.diverse
        chance, size, top, left = rng.uniform(0.0, 1.0, (4,)).tolist()
        if chance >= probability:
            return lambda image: image
        return lambda image: placed(image, rate, size, top, left)


def placed(image: Tensor, rate: float, size: float, top: float, left: float) -> Tensor:
    """Resize and pad one image (C, H, W), as its draws say."""
    frame = image.shape[1:]
    canvas, least = [], []
    for side in frame:
        other = round(side * rate)
        canvas.append(max(side, other))
        least.append(min(side, other))
    height, width = (
        low + math.floor(size * (high - low + 1)) for low, high in zip(least, canvas, strict=True)
    )
    above = math.floor(top * (canvas[0] - height + 1))
    before = math.floor(left * (canvas[1] - width + 1))
    small = _resized(image, (height, width))
    edges = (before, canvas[1] - width - before, above, canvas[0] - height - above)
    return _resized(functional.pad(small, edges), (frame[0], frame[1]))


def smoothed(gradient: Tensor, kernel: int, sigmas: float) -> Tensor:
    """Convolve (C, H, W) with the square kernel, element by element, nothing beyond the edge."""
    line = np.linspace(-sigmas, sigmas, kernel)
    square = np.exp(-(line[:, None] ** 2 + line[None, :] ** 2) / 2)
    square /= square.sum()
    values, reach = gradient.numpy(), kernel // 2
    found = np.zeros_like(values)
    for (_, row, column), _value in np.ndenumerate(values):
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                i, j = row + down, column + across
                if 0 <= i < values.shape[1] and 0 <= j < values.shape[2]:
                    weight = square[down + reach, across + reach]
                    found[_, row, column] += weight * values[_, i, j]
    return torch.from_numpy(found)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0]
