"""The worst plausible mixture of conditions, and what having chosen it does to its value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadworthy.metrics.bootstrap import rng_of
from roadworthy.metrics.interval import LEVEL, Floats
from roadworthy.profiles.base import Profile

DRAWS = 4000


@dataclass(frozen=True)
class Plausible:
    """Probabilities (K,), how much each may give away and take, and how much may move in all."""

    given: Floats
    spare: Floats
    room: Floats
    distance: float

    @classmethod
    def of(cls, profile: Profile) -> Plausible:
        """Return the mixtures that a profile calls plausible."""
        p, low, high = (
            np.array([getattr(one, name) for one in profile.conditions], np.float64)
            for name in ("probability", "low", "high")
        )
        return cls(p, p - low, high - p, profile.distance)

    def worst(self, values: Floats) -> Floats:
        """Return the plausible probabilities (K,) under which the mean of ``values`` is largest.

        Probability moves from where the value is smallest to where it is largest, as much as may
        move and as long as it gains: a linear program that is solved by taking what is best next.
        """
        found, left = self.given.copy(), self.distance
        spare, room = self.spare.copy(), self.room.copy()
        givers, takers = (
            list(np.argsort(values, kind="stable")),
            list(np.argsort(-values, kind="stable")),
        )
        while givers and takers and left > 0 and values[takers[0]] > values[givers[0]]:
            giver, taker = givers[0], takers[0]
            moved = min(left, spare[giver], room[taker])
            found[giver] -= moved
            found[taker] += moved
            spare[giver] -= moved
            room[taker] -= moved
            left -= moved
            if spare[giver] <= 0:
                givers.pop(0)
            if room[taker] <= 0:
                takers.pop(0)
        return found

    def largest(self, values: Floats) -> Floats:
        """Return the largest plausible mean (D,) of each of several ``values`` (D, K)."""
        up = np.argsort(values, axis=1, kind="stable")
        ends = [
            np.cumsum(self.spare[up], axis=1),
            np.cumsum(self.room[up[:, ::-1]], axis=1),
        ]
        edges = np.sort(np.minimum(np.concatenate(ends, axis=1), self.distance), axis=1)
        edges = np.concatenate([np.zeros((len(values), 1)), edges], axis=1)
        middle, width = (edges[:, 1:] + edges[:, :-1]) / 2, np.diff(edges, axis=1)
        ordered = np.take_along_axis(values, up, axis=1)
        gain = np.zeros(len(values))
        for place in range(middle.shape[1]):
            at = middle[:, place, None]
            # which one gives, and which takes, what is moved at this point
            giver, taker = (np.minimum((end <= at).sum(axis=1), end.shape[1] - 1) for end in ends)
            rows = np.arange(len(values))
            step = ordered[:, ::-1][rows, taker] - ordered[rows, giver]
            gain += width[:, place] * np.maximum(step, 0)
        result: Floats = values @ self.given + gain
        return result


def too_large(values: Floats, plausible: Plausible) -> float:
    """Return by how much the largest plausible mean of ``values`` (N, K) may exceed the true one.

    Whichever conditions came out worst did so partly by luck, so the largest mean is too large, and
    most so if all are alike. This is the 97.5 % quantile of the excess if those whose means cannot
    be told apart are alike (moment selection, as for `largest_difference`), from the joint normal
    distribution of the means.
    """
    n = len(values)
    if n < 2:
        return math.inf
    means = values.mean(axis=0)
    covariance = np.atleast_2d(np.cov(values, rowvar=False)) / n
    alike = _merged(means, covariance, n)
    scale, vectors = np.linalg.eigh(covariance)
    rng = rng_of("mixture", means.round(9), covariance.round(12))
    noise = rng.standard_normal((DRAWS, len(means))) @ (vectors * np.sqrt(scale.clip(0))).T
    excess = plausible.largest(alike + noise) - plausible.largest(alike[None])
    return max(0.0, float(np.quantile(excess, 0.5 + LEVEL / 2)))


def _merged(means: Floats, covariance: Floats, n: int) -> Floats:
    """Return means in which neighbours that chance may have put in order have one value."""
    order = np.argsort(means, kind="stable")
    groups = [[order[0]]]
    for previous, one in pairwise(order):
        variance = (
            covariance[previous, previous] + covariance[one, one] - 2 * covariance[previous, one]
        )
        near = math.sqrt(math.log(max(n, 3)) * max(0.0, float(variance)))
        if means[one] - means[previous] <= near:
            groups[-1].append(one)
        else:
            groups.append([one])
    merged = means.copy()
    for group in groups:
        merged[group] = means[group].mean()
    return merged
