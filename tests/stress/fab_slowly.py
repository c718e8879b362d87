"""The definition of FAB written down once more, for one image, as slowly and plainly as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from boundary_world import Floats

Boundaries = Callable[[Floats], Sequence[tuple[float, Floats]]]
"""Gives, at a point, value and gradient of each function whose zero is a boundary."""

ORDER = {"Linf": np.inf, "L2": 2, "L1": 1}
DUAL = {"Linf": 1, "L2": 2, "L1": np.inf}


def onto_plane(norm: str, x: Floats, normal: Floats, gap: float) -> Floats:
    """Project onto the plane inside the box by sorting where each element reaches its bound."""
    towards: Floats = np.sign(gap) * np.sign(normal)
    weight, room, need = np.abs(normal), np.where(towards > 0, 1 - x, x), abs(gap)
    moved = np.zeros_like(x)
    if norm == "L1":
        for i in np.argsort(-weight, kind="stable"):
            if weight[i] == 0 or need <= 0:
                break
            moved[i] = min(room[i], need / weight[i])
            need -= weight[i] * moved[i]
        return np.asarray(towards * moved)
    pull = np.ones_like(x) if norm == "Linf" else weight
    bound = np.where(weight > 0, room / np.where(weight > 0, pull, 1.0), 0.0)
    gained = np.inf
    for level in np.sort(bound):  # the first breakpoint that gains too much
        gained = (weight * np.minimum(level * pull, room)).sum()
        if gained >= need:
            inside = bound < level
            rest = need - (weight * room)[inside].sum()
            level = rest / (weight * pull)[~inside].sum()
            return np.asarray(towards * np.minimum(level * pull, room))
    return np.asarray(towards * room)


def iterates(
    norm: str,
    x0: Floats,
    boundaries: Boundaries,
    adversarial: Callable[[Floats], bool],
    *,
    steps: int,
) -> list[Floats]:
    """Return every point that the definition classifies or takes a gradient at, in order."""
    x, seen = x0.copy(), []
    for _ in range(steps):
        seen.append(x.copy())
        at = boundaries(x)
        value, gradient = min(at, key=lambda f: abs(f[0]) / np.linalg.norm(f[1], DUAL[norm]))
        offset = float(gradient @ x) - value  # the plane is <gradient, v> = offset
        first = onto_plane(norm, x, gradient, offset - float(gradient @ x))
        second = onto_plane(norm, x0, gradient, offset - float(gradient @ x0))
        a, b = (max(float(np.linalg.norm(d, ORDER[norm])), 1e-8) for d in (first, second))
        alpha = min(max(a / (a + b), 0.0), 0.1)
        x = np.clip((1 - alpha) * (x + 1.05 * first) + alpha * (x0 + 1.05 * second), 0, 1)
        seen.append(x.copy())
        if adversarial(x):
            x = x0 + 0.9 * (x - x0)
    return seen
