"""Square against its description written down image by image and square by square."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from roadworthy.models.counted import Counted
from roadworthy.stress.attacks.square import square
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.types import Need

Array = NDArray[np.float64]
QUERIES = 80


@dataclass
class Net:
    """A small network in float64."""

    frame: tuple[int, int]
    id: str = "net"
    gives: frozenset[Need] = frozenset({Need.GRADIENT})  # so it is asked ahead

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        wide = 3 * self.frame[0] * self.frame[1]
        self.first = torch.randn(wide, 24, generator=generator, dtype=torch.float64) / 4
        self.last = torch.randn(24, 5, generator=generator, dtype=torch.float64)

    def logits(self, x: Tensor) -> Tensor:
        return nn.functional.softplus(x.flatten(1) @ self.first) @ self.last


def _share(p: float, i: int) -> float:
    for limit, parts in ((10, 1), (50, 2), (200, 4), (500, 8), (1000, 16)):
        if i <= limit:
            return p / parts
    raise AssertionError


def _linf_start(x: Array, eps: float, rng: np.random.Generator) -> Array:
    new = x.copy()
    stripes = rng.integers(0, 2, (3, 1, x.shape[2]))
    for c in range(3):
        for column in range(x.shape[2]):
            new[c, :, column] += eps if stripes[c, 0, column] else -eps
    return np.clip(new, 0, 1)


def _linf_step(x: Array, eps: float, best: Array, p: float, draws: Array) -> Array:
    height, width = x.shape[1:]
    s = min(max(round((p * height * width) ** 0.5), 1), height, width)
    r, c = int(draws[0] * max(height - s, 1)), int(draws[1] * max(width - s, 1))
    new = best.copy()
    for channel in range(3):
        new[channel, r : r + s, c : c + s] += 2 * eps if draws[5 + channel] >= 0.5 else -2 * eps
    return np.clip(np.clip(new, x - eps, x + eps), 0, 1)


def _norm(values: Array, order: int) -> float:
    return float((np.abs(values) ** order).sum() ** (1 / order))


def _rectangles(height: int, width: int, order: int, decay: int) -> Array:
    out = np.zeros((height, width))
    for k in range(max(height // 2, width // 2) + 1):
        top, left = max(height // 2 - k, 0), max(width // 2 - k, 0)
        out[top : height // 2 + k + 1, left : width // 2 + k + 1] += 1 / (k + 1) ** decay
    return out / _norm(out, order)


def _bump(s: int, order: int, decay: int, turned: bool) -> Array:
    out = np.zeros((s, s))
    if s > 1:
        out[: s // 2] = _rectangles(s // 2, s, order, decay)
    out[s // 2 :] = -_rectangles(s - s // 2, s, order, decay)
    out = out / _norm(out, order)
    return out.T if turned else out


def _bump_start(x: Array, eps: float, rng: np.random.Generator, order: int, decay: int) -> Array:
    _, height, width = x.shape
    s = max(min(height, width) // 5, 1)
    down, across = height // s, width // s
    drawn = rng.integers(0, 2, (down, across, 4))
    delta = np.zeros_like(x)
    for a in range(down):
        for b in range(across):
            tile = _bump(s, order, decay, bool(drawn[a, b, 0]))
            top = (height - down * s) // 2 + a * s
            left = (width - across * s) // 2 + b * s
            for c in range(3):
                sign = 1 if drawn[a, b, 1 + c] else -1
                delta[c, top : top + s, left : left + s] = sign * tile
    return _fitted(x, delta, eps, order)


def _fitted(x: Array, delta: Array, eps: float, order: int) -> Array:
    """Scale to the sphere and clip; under L1 the nearest point of ball and box, by bisection."""
    if order == 2:
        return np.clip(x + delta * eps / _norm(delta, 2), 0, 1)
    room = np.where(delta > 0, 1 - x, x)
    low, high = 0.0, float(np.abs(delta).max())
    if np.minimum(np.abs(delta), room).sum() <= eps:
        high = 0.0
    for _ in range(100):
        middle = (low + high) / 2
        size = np.minimum((np.abs(delta) - middle).clip(0), room).sum()
        low, high = (middle, high) if size > eps else (low, middle)
    return np.asarray(x + np.sign(delta) * np.minimum((np.abs(delta) - high).clip(0), room))


def _bump_step(
    x: Array, eps: float, best: Array, p: float, draws: Array, order: int, decay: int
) -> Array:
    _, height, width = x.shape
    s = max(round((p * height * width) ** 0.5), 3)
    s = min(s + 1 if s % 2 == 0 else s, height, width)
    room = np.array([height - s, width - s] * 2).clip(1)
    r1, c1, r2, c2 = (draws[:4] * room).astype(int)
    one = (slice(r1, r1 + s), slice(c1, c1 + s))
    two = (slice(r2, r2 + s), slice(c2, c2 + s))
    in_both = np.zeros((height, width), bool)
    in_both[one] = in_both[two] = True
    delta = best - x
    unused = max(eps**order - _norm(delta, order) ** order, 0)
    new = delta.copy()
    for c in range(3):
        old = delta[c][one]
        shape = _bump(s, order, decay, draws[4] < 0.5) * (1 if draws[5 + c] >= 0.5 else -1)
        shape = shape + old / max(_norm(old, order), 1e-12)
        both = delta[c][in_both] if order == 2 else delta[:, in_both]
        size = (unused / 3 + _norm(both, order) ** order) ** (1 / order)
        new[c][two] = 0
        new[c][one] = shape / max(_norm(shape, order), 1e-12) * size
    return _fitted(x, new, eps, order)


def _literal(
    ask: Callable[[Array], Array],
    x: Array,
    label: int,
    target: int | None,
    eps: float,
    norm: Norm,
    rng: np.random.Generator,
) -> tuple[Array, int]:
    def loss(z: Array) -> tuple[float, bool]:
        logits = ask(z)
        if target is not None:
            others = np.delete(logits, target)
            entropy = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target]
            return float(entropy), bool(others.max() - logits[target] <= 0)
        value = logits[label] - np.delete(logits, label).max()
        return float(value), bool(value <= 0)

    bumps = {"L2": (2, 2), "L1": (1, 4)}.get(norm)
    best = _linf_start(x, eps, rng) if bumps is None else _bump_start(x, eps, rng, *bumps)
    lowest, done = loss(best)
    draws = np.random.default_rng(int(rng.integers(0, 2**63 - 1)))
    asked = 1
    while not done and asked < QUERIES:
        p, numbers = _share(0.8, asked - 1), draws.random(8)
        if bumps is None:
            new = _linf_step(x, eps, best, p, numbers)
        else:
            new = _bump_step(x, eps, best, p, numbers, *bumps)
        asked += 1
        value, there = loss(new)
        if value < lowest or there:
            best, lowest, done = new, value, there
    return best, asked if done else -1


@pytest.mark.parametrize("frame", [(8, 15), (3, 2)])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.03), ("L2", 0.45), ("L1", 3.0)])
def test_every_norm_does_what_its_description_says(
    norm: Norm, eps: float, targeted: bool, frame: tuple[int, int]
) -> None:
    eps = eps * frame[0] * frame[1] / 144 if norm == "L1" else eps
    net = Net(frame)
    x = np.random.default_rng(5).random((4, 3, *frame))
    x[:, 0] = x[:, 0].round()  # much of it at the edge of the box
    z = torch.from_numpy(x)
    logits = net.logits(z)
    labels = logits.argmax(1)
    targets = logits.argsort(1)[:, -2] if targeted else None
    expected, after = [], []
    for i in range(len(x)):
        found, step = _literal(
            lambda v: net.logits(torch.from_numpy(v)[None])[0].numpy(),
            x[i],
            int(labels[i]),
            None if targets is None else int(targets[i]),
            eps,
            norm,
            np.random.default_rng(40 + i),
        )
        expected.append(found)
        after.append(step)
    found = square.function(
        Counted(net),  # type: ignore[arg-type]
        z,
        Goal(labels, targets),
        Ball(norm, torch.full((4,), eps, dtype=torch.float64)),
        queries=QUERIES,
        rng=BatchDraws([FastDraws(np.random.default_rng(40 + i)) for i in range(4)]),
    )
    np.testing.assert_allclose(found.x.numpy(), np.stack(expected), rtol=0, atol=1e-10)
    assert found.step_success.tolist() == after
