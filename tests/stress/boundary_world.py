"""Small models with known boundaries, and what the smallest change of a sample is, found another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq, linprog
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.pipeline.base import Pipeline
from roadworthy.registry import Definition
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import Found
from roadworthy.types import Classes, Need

Floats = NDArray[np.float64]
SHAPE = (3, 4, 4)


@dataclass(frozen=True, eq=False)
class Bare:
    """A classifier without anything around its function; it remembers what it was asked about."""

    function: Callable[[Tensor], Tensor]
    asked: list[Tensor] = field(default_factory=list)
    id: str = "test/bare"
    pipeline: Pipeline = field(default_factory=lambda: Pipeline(size=None))
    classes: Classes = field(default_factory=lambda: Classes(None))
    gives: frozenset[Need] = frozenset({Need.GRADIENT})

    def logits(self, x: Tensor) -> Tensor:
        self.asked.append(x.detach().clone())
        return self.function(x)


def linear(weight: Tensor, offset: Tensor) -> Bare:
    """Logits weight x + offset; every row is summed alone, so that no batch changes a bit."""
    return Bare(lambda x: (x[:, None] * weight).sum((2, 3, 4)) + offset)


def curved(seed: int = 0, classes: int = 5, dtype: torch.dtype = torch.float64) -> Bare:
    """Two layers with a smooth bend between them."""
    generator = torch.Generator().manual_seed(seed)
    into = torch.randn((12, *SHAPE), generator=generator, dtype=torch.float64).to(dtype)
    out = torch.randn((classes, 12), generator=generator, dtype=torch.float64).to(dtype)

    def logits(x: Tensor) -> Tensor:
        hidden = torch.tanh(((x - 0.5)[:, None] * into).sum((2, 3, 4)))
        return (hidden[:, None] * out).sum(2)

    return Bare(logits)


def attacked(
    attack: Definition, model: Bare, x: Tensor, goal: Goal, norm: Norm, **given: Any
) -> Found:
    """Run an attack as the engine does, without its judge."""
    if "fab" in attack.name:
        given["rng"] = given.get("rng") or draws(len(x))
    found: Found = attack.function(Counted(model), x, goal, GEOMETRIES[norm], **given)
    return found


def draws(count: int) -> BatchDraws:
    return BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(count)])


def goal_of(model: Bare, x: Tensor, targets: Tensor | None = None) -> Goal:
    """Return the goal of leaving what the model says now."""
    with torch.no_grad():
        clean = model.function(x)
    return Goal(clean.argmax(1), targets, clean)


def least(norm: Norm, x: Floats, normal: Floats, gap: float) -> float:
    """Return the size of the smallest step in the box that closes the gap: <normal, step> = gap."""
    scale = np.abs(normal).max()
    if scale == 0 or gap == 0:
        return 0.0
    normal, gap = normal / scale, gap / scale
    if norm == "L2":

        def missing(rate: float) -> float:
            return float(normal @ np.clip(rate * normal, -x, 1 - x)) - gap

        far = np.sign(gap) * 1e15
        rate = brentq(missing, 0.0, far, xtol=1e-300, rtol=1e-14, maxiter=2000)
        return float(np.linalg.norm(np.clip(rate * normal, -x, 1 - x)))
    if norm == "L1":  # what goes up and what goes down, each with a cost of 1
        bounds = [*((0, 1 - v) for v in x), *((0, v) for v in x)]
        both = np.concatenate([normal, -normal])[None]
        found = linprog(np.ones(2 * len(x)), A_eq=both, b_eq=[gap], bounds=bounds)
        return float(found.fun or 0)
    # each |d_i| is at most t, and t is to be small
    eye, column = np.eye(len(x)), -np.ones((len(x), 1))
    below = np.block([[eye, column], [-eye, column]])
    bounds = [*((-v, 1 - v) for v in x), (0, 1)]
    found = linprog(
        np.append(np.zeros(len(x)), 1.0),
        A_ub=below,
        b_ub=np.zeros(2 * len(x)),
        A_eq=np.append(normal, 0)[None],
        b_eq=[gap],
        bounds=bounds,
    )
    return float(found.fun or 0)
