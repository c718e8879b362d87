"""Simultaneous perturbation: a gradient estimated along random signs, followed by Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.adam import Adam
from roadworthy.stress._attacks.differences import check_estimate, climb_estimated
from roadworthy.stress._attacks.queries import Clock, passes_of_queries
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need

STEP = 0.3
"""The step in parts of eps, where none is given: that of Dong et al., CVPR 2020."""


class AdamSteps:
    """Adam's steps of rate ``rate`` (N,), one for all elements of an image."""

    def __init__(self, like: Tensor, rate: Tensor) -> None:
        self._adam, self._rate = Adam(like, learning_rate=1.0), rate.to(like)

    def step(self, watch: Watch, z: Tensor, gradient: Tensor) -> Tensor:
        """Return the step upwards."""
        del watch, z
        return self._adam.step(-gradient).mul_(-expanded(self._rate, gradient))

    def saw(self, value: Tensor) -> None:
        """Nothing depends on the loss."""

    def keep(self, going: Tensor) -> None:
        """Go on with the images of the mask ``going``."""
        self._adam.keep(going)
        self._rate = self._rate[going]


def signs(rng: BatchDraws, shape: tuple[int, ...]) -> NDArray[Any]:
    """Draw -1 or 1 with equal chances for each element of every image, (N, *shape)."""
    return np.where(rng.signed(shape) < 0, np.float32(-1), np.float32(1))


@attack(
    Need.PROBABILITIES,
    norms=("Linf", "L2"),
    check=check_estimate("spsa"),
    passes=passes_of_queries,
    paper="Uesato et al., ICML 2018",
)
def spsa(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    queries: int = 10_000,
    samples: int = 100,
    spread: float = 1e-3,
    step: float | None = None,
    loss: LossName = "margin",
    stop: Stop = "success",
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Climb by Adam along a gradient estimated from answers at ``samples`` points around each iterate.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball. The
    points lie in pairs on either side, ``spread`` away in every element with random signs, in units
    of [0, 1]. ``step`` is the size, in the norm, of a step in which every element moves at Adam's full
    rate (0.3 eps if none is given). An image gets ``queries`` answers in all, one of them at every
    iterate; ``steps_used`` and ``step_success`` are queries. ``seconds`` ends the attack on a batch
    after that time, which makes results depend on the machine. Uesato et al., ICML 2018.
    """
    size = STEP * ball.eps if step is None else torch.full_like(ball.eps, step)
    with torch.no_grad():
        return climb_estimated(
            Watch(model, x, goal, ball, stop=stop, rng=rng),
            AdamSteps(x, size / ball.size(torch.ones_like(x))),
            signs,
            queries=queries,
            samples=samples,
            spread=spread,
            loss=LOSSES[loss],
            clock=Clock(seconds),
        )
