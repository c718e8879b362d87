"""Fast and reference draws are equally hard for a real network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from golden_chart import corrupted
from numpy.typing import NDArray

from roadworthy.data.registry import open_data
from roadworthy.engine.forward import forward, to_input
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as frame_of
from roadworthy.seed import rng_for
from roadworthy.stress import STRESSES
from roadworthy.stress.draws import Draws, FastDraws, ReferenceDraws
from roadworthy.types import Classifier, Image

SEVERITY = 3
POINTS = 1.0
"""How far apart the drops may be."""

FEWEST, MOST = 3, 6
STANDARD_ERROR = 0.4
"""Seeds of each kind are added until the difference is known to so many points, or there are six: the
noises take those and reach about 0.8, the others stop early. Twelve minutes on one thread for all."""

CHANCE = 2.5
"""Standard errors that chance is allowed; all corruptions together must keep to the point with it."""

STOCHASTIC = sorted(
    name
    for name in STRESSES
    if STRESSES.get(name).levels is not None and STRESSES.get(name).takes_draws
)

pytestmark = [pytest.mark.slow, pytest.mark.shared, pytest.mark.demo]


@dataclass(frozen=True)
class World:
    """A network and 300 photographs as it sees them."""

    model: Classifier
    frames: list[Image]
    labels: NDArray[np.int64]

    def hits(self, frames: list[Image]) -> NDArray[np.bool_]:
        """Return which frames are classified rightly."""
        batches = [np.stack(frames[i : i + 30]) for i in range(0, len(frames), 30)]
        logits = [forward(self.model, to_input(b, "cpu"), name="lite0") for b in batches]
        return np.asarray(np.concatenate(logits).argmax(1) == self.labels)

    def corrupted(self, name: str, draws: list[Draws]) -> NDArray[np.bool_]:
        """Return which frames are classified rightly under a corruption, each with its draws."""
        pairs = zip(self.frames, draws, strict=True)
        return self.hits([corrupted(name, frame, SEVERITY, draws=rng) for frame, rng in pairs])


@cache
def world(table: Path) -> World:
    model, dataset = load("demo/efficientnet_lite0"), open_data(f"csv:{table}")
    frames = [frame_of(dataset.read(s), model.pipeline, name=s.id) for s in dataset.samples]
    labels = np.array([s.label for s in dataset.samples])
    assert len(frames) == 300
    return World(model, frames, labels)


@dataclass(frozen=True)
class Compared:
    """The difference of the two accuracies in points, fast less reference, and its standard error."""

    apart: float
    error: float


@cache
def compared(table: Path, name: str) -> Compared:
    net = world(table)
    clean = net.hits(net.frames).mean()
    assert clean > 0.6
    fast: list[NDArray[np.bool_]] = []
    reference: list[NDArray[np.bool_]] = []
    error = np.inf
    while len(fast) < FEWEST or (error > STANDARD_ERROR and len(fast) < MOST):
        seed = len(fast)
        keys = [rng_for(seed, name, 1, str(i), "") for i in range(300)]
        fast.append(net.corrupted(name, [FastDraws(key) for key in keys]))
        states = [np.random.RandomState(1000 * seed + i) for i in range(300)]
        reference.append(net.corrupted(name, [ReferenceDraws(state) for state in states]))
        error = 100 * float(np.hypot(standard_error(fast), standard_error(reference)))
    apart = 100 * float(np.mean(fast) - np.mean(reference))
    print(f"{name}: drop {100 * (clean - np.mean(fast)):.2f} points with fast draws, ", end="")
    print(f"{apart:+.2f} ± {error:.2f} beside reference draws, {len(fast)} seeds")
    return Compared(apart, error)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_fast_draws_are_as_hard_as_reference_draws(shared: Path, name: str) -> None:
    found = compared(shared / "data" / "imagenet_sample" / "labels.csv", name)
    assert abs(found.apart) <= POINTS + CHANCE * found.error


def test_fast_draws_are_as_hard_on_the_whole(shared: Path) -> None:
    table = shared / "data" / "imagenet_sample" / "labels.csv"
    every = [compared(table, name) for name in STOCHASTIC]
    apart = np.mean([found.apart for found in every])
    error = np.hypot.reduce([found.error for found in every]) / len(every)
    print(f"all: {apart:+.2f} ± {error:.2f} points beside reference draws")
    assert abs(apart) + CHANCE * error <= POINTS


def standard_error(hits: list[NDArray[np.bool_]]) -> float:
    """Return the standard error of the mean over images, which are fixed, and seeds, which vary."""
    if len(hits) < 2:
        return np.inf
    per_image = np.var(hits, axis=0, ddof=1) / len(hits)
    return float(np.sqrt(per_image.sum()) / len(per_image))
