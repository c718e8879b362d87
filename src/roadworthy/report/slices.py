"""Accuracy by group, the worst first, with what many comparisons do to chance in mind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from roadworthy.metrics.interval import Floats, proportion, wilson
from roadworthy.metrics.mcnemar import holm
from roadworthy.report.attributes import SMALLEST, groups
from roadworthy.report.reading import Reading

SURE = 0.05


@dataclass(frozen=True)
class Slice:
    """A group of samples: accuracy clean and, pooled, under corruptions; ``rest`` is all others'.

    ``p`` is corrected for the number of groups compared.
    """

    attribute: str
    group: str
    n: int
    clean: Reading
    rest: float
    p: float
    stressed: Reading | None

    @property
    def worse(self) -> bool:
        """Whether the group is surely worse than the rest."""
        return self.p < SURE and (self.clean.value or 0.0) < self.rest


def slices(samples: pl.DataFrame) -> list[Slice]:
    """Return the groups of ``samples``, those that are surely worse first, then by accuracy.

    ``samples`` have sample, label, correct, stressed (right pictures under corruptions) and pictures
    (of how many), both null without any, and one column an attribute. Each group is compared with all
    samples outside it by Fisher's exact test; p-values are corrected by Holm over all groups.
    """
    found = [
        one
        for name, group in groups(samples)
        for key in group.drop_nulls().unique(maintain_order=True)
        if (one := _slice(samples, name, str(key), group == key)) is not None
    ]
    corrected = holm([one.p for one in found])
    told = [replace(one, p=p) for one, p in zip(found, corrected, strict=True)]
    return sorted(told, key=lambda s: (not s.worse, s.clean.value or 0.0, s.attribute, s.group))


def _slice(samples: pl.DataFrame, name: str, group: str, inside: pl.Series) -> Slice | None:
    inside = inside.fill_null(value=False)
    own, others = samples.filter(inside), samples.filter(~inside)
    if len(own) < SMALLEST or len(others) < SMALLEST:
        return None
    right, other = int(own["correct"].sum()), int(others["correct"].sum())
    low, high = wilson(right, len(own))
    share = 100 * right / len(own)
    clean = Reading(share, 100 * float(low), 100 * float(high), "percent", len(own))
    p = fisher(right, len(own), other, len(others))
    rest = 100 * other / len(others)
    return Slice(name, group, len(own), clean, rest, p, _stressed(own))


def _stressed(own: pl.DataFrame) -> Reading | None:
    known = own.drop_nulls(["stressed", "pictures"])
    if known.is_empty():
        return None
    sums, counts = (known[name].cast(pl.Float64).to_numpy() for name in ("stressed", "pictures"))
    found = proportion(sums, counts)
    return Reading(found.value, found.low, found.high, "percent", found.n)


def _choose(n: int, k: Floats | int) -> Floats:
    """Return the logarithm of the binomial coefficient."""
    from scipy.special import gammaln  # scipy.stats takes a second to import

    size = np.float64(n)
    found: Floats = gammaln(size + 1) - gammaln(np.add(k, 1)) - gammaln(size - k + 1)
    return found


def fisher(right: int, n: int, other: int, others: int) -> float:
    """Return the two-sided p-value of Fisher's exact test: right in n against other in others.

    The probability, given all margins, of tables that are at most as likely as this one. R. A.
    Fisher, "On the interpretation of chi-squared from contingency tables", JRSS 85 (1922).
    """
    total = right + other
    low, high = max(0, total - others), min(total, n)
    hits = np.arange(low, high + 1, dtype=np.float64)
    log = _choose(n, hits) + _choose(others, total - hits) - _choose(n + others, total)
    chances = np.exp(log)
    return float(min(1.0, chances[chances <= chances[right - low] * (1 + 1e-9)].sum()))
