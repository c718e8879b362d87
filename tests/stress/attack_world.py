"""Running attacks by their spec on a batch, as the engine does but without its judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.seed import rng_for
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import Setting, Stress, stress
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work, run
from roadworthy.stress.watch import Found
from roadworthy.types import Classifier


@dataclass(frozen=True, repr=False)
class Tried:
    """What an attack found for a batch, and what it asked of the model for it."""

    stress: Stress
    clean: Tensor
    goal: Goal
    found: Found
    counted: Counted

    @property
    def x(self) -> Tensor:
        """The inputs found."""
        return self.found.x

    @property
    def reached(self) -> Tensor:
        """Which inputs reach the goal."""
        with torch.no_grad():
            return self.goal.reached(self.counted.model.logits(self.x))

    @property
    def size(self) -> Tensor:
        """How far they are from the images, in the attack's norm."""
        return self.ball.size(self.x - self.clean)

    @property
    def ball(self) -> Ball:
        """The budget."""
        given = self.stress.settings[0].arguments
        eps = torch.full_like(self.clean[:, 0, 0, 0], float(given.get("eps", 0)))
        return Ball(given.get("norm", "Linf"), eps)


def attacked(
    spec: str,
    model: Classifier,
    x: Tensor,
    labels: Tensor,
    *,
    targets: Tensor | None = None,
    names: list[str] | None = None,
) -> Tried:
    """Run the attack ``spec`` on ``x``; ``names`` are what the images draw by, their places if None."""
    one, keys = stress(spec), names or [str(i) for i in range(len(x))]
    with torch.no_grad():
        goal = Goal(labels, targets, model.logits(x))
    counted = Counted(model)

    def draws(asked: Stress, under: Setting) -> BatchDraws:
        seeds = [rng_for(0, asked.name, 1, key, under.key) for key in keys]
        return BatchDraws([FastDraws(seed) for seed in seeds])

    tried = Tried(one, x, goal, Found(x), counted)
    found = run(one, one.settings[0], Work(counted, x, goal, tried.ball), draws=draws)
    return Tried(one, x, goal, found, counted)


def pictures(count: int, *, seed: int = 0, shape: tuple[int, ...] = (3, 4, 4)) -> Tensor:
    """Return random images in float64, some elements of them at the faces of the box."""
    drawn = np.random.default_rng(seed).uniform(-0.1, 1.1, (count, *shape))
    return torch.from_numpy(drawn.clip(0.0, 1.0))
