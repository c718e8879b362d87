"""Natural against adversarial robustness: per architecture, and by rank inside groups of training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from roadworthy.metrics.interval import NORMAL as QUANTILE
from roadworthy.metrics.interval import Floats
from roadworthy.studies.groups import AT, ORDER, About

Kind = Literal["natural", "adversarial"]
FEWEST = 3
LOWER_IS_BETTER = frozenset({"mean_error", "mce", "relative_mce", "flip_probability", "mfr"})


@dataclass(frozen=True)
class Score:
    """One number for each model, with its interval; ``label`` says what it is of."""

    kind: Kind
    label: str
    metric: str
    values: Mapping[str, tuple[float, float | None, float | None]]

    @property
    def sign(self) -> int:
        """1 if more is better, else -1."""
        return -1 if self.metric in LOWER_IS_BETTER else 1


@dataclass(frozen=True)
class Change:
    """How much better a score is after a change of training: positive is better; None if unknown.

    ``clear`` if the two intervals do not overlap, which is a strict test: both models saw the same
    images.
    """

    score: str
    change: float | None
    clear: bool


@dataclass(frozen=True)
class Pair:
    """Two models of one architecture that differ in their training."""

    architecture: str
    before: About
    after: About
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of two scores over the ``n`` models of a group, positive if both
    get better together; None with a ``reason``.
    """

    group: str
    natural: str
    adversarial: str
    n: int
    rho: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def pairs(models: Sequence[About], scores: Sequence[Score]) -> list[Pair]:
    """Return all pairs of models of one architecture and different groups, from normal to AT."""
    found = []
    for architecture in dict.fromkeys(model.architecture for model in models):
        own = [model for model in models if model.architecture == architecture]
        own.sort(key=lambda model: ORDER.index(model.group))
        for before, after in combinations(own, 2):
            if before.group != after.group:
                changes = tuple(_change(score, before.model, after.model) for score in scores)
                found.append(Pair(architecture, before, after, changes))
    return found


def correlations(models: Sequence[About], scores: Sequence[Score]) -> list[Correlation]:
    """Return rank correlations of natural with adversarial scores, inside groups alone.

    Once over adversarially trained models and once over all others, never over both: the two
    groups lie far apart, so that pooled they correlate whatever they do inside. Liu et al., IJCV
    2024.
    """
    groups = {
        "adversarially trained": [m.model for m in models if m.group == AT],
        "not adversarially trained": [m.model for m in models if m.group != AT],
    }
    natural, adversarial = (
        [score for score in scores if score.kind == kind] for kind in ("natural", "adversarial")
    )
    return [
        _correlation(group, own, one, other)
        for group, own in groups.items()
        if own
        for one in natural
        for other in adversarial
    ]


def spearman(x: Iterable[float], y: Iterable[float]) -> float:
    """Return Spearman's rank correlation, equal values sharing their mean rank; NaN without spread."""
    a, b = _ranks(np.array(list(x), float)), _ranks(np.array(list(y), float))
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread > 0 else math.nan


def _ranks(values: Floats) -> Floats:
    less = (values[:, None] > values[None, :]).sum(1)
    same = (values[:, None] == values[None, :]).sum(1)
    ranks: Floats = less + (same + 1) / 2
    return ranks


def _correlation(group: str, models: Sequence[str], one: Score, other: Score) -> Correlation:
    both = [m for m in models if m in one.values and m in other.values]
    if len(both) < FEWEST:
        many = "1 model of this group has" if len(both) == 1 else f"{len(both)} models of it have"
        why = f"a rank correlation needs {FEWEST} models; {many} both scores"
        return Correlation(group, one.label, other.label, len(both), None, reason=why)
    rho = spearman(*([s.sign * s.values[m][0] for m in both] for s in (one, other)))
    if math.isnan(rho):
        why = "one of the scores is the same for all models"
        return Correlation(group, one.label, other.label, len(both), None, reason=why)
    low, high = _interval(rho, len(both))
    return Correlation(group, one.label, other.label, len(both), rho, low, high)


def _interval(rho: float, n: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval; none for three models or a perfect order.

    D. G. Bonett & T. A. Wright, "Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations", Psychometrika 65 (2000).
    """
    if n <= 3 or abs(rho) > 1 - 1e-12:
        return None, None
    half = QUANTILE * math.sqrt((1 + rho * rho / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def _change(score: Score, before: str, after: str) -> Change:
    if before not in score.values or after not in score.values:
        return Change(score.label, None, False)
    (a, a_low, a_high), (b, b_low, b_high) = score.values[before], score.values[after]
    ends = (a_low, a_high, b_low, b_high)
    clear = False
    if None not in ends:
        low, high, other_low, other_high = (float(end or 0.0) for end in ends)
        clear = high < other_low or other_high < low
    return Change(score.label, score.sign * (b - a), clear)


def as_dict(found: Pair | Correlation) -> dict[str, Any]:
    """Return what ``summary.json`` says of a pair or a correlation."""
    if isinstance(found, Correlation):
        rounded = {name: _rounded(getattr(found, name)) for name in ("rho", "low", "high")}
        names = ("group", "natural", "adversarial", "n", "reason")
        return {**{name: getattr(found, name) for name in names}, **rounded}
    return {
        "architecture": found.architecture,
        "before": {"model": found.before.model, "group": found.before.group},
        "after": {"model": found.after.model, "group": found.after.group},
        "changes": [
            {"score": c.score, "change": _rounded(c.change), "clear": c.clear}
            for c in found.changes
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.7g}")
