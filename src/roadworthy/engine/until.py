"""Stop when precise enough: the request, when to look, and intervals that allow for every look."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.metrics.base import Estimate, MetricDefinition
    from roadworthy.metrics.suite import SuiteMetricDefinition

NORMAL = 1.959964
STEP = 64
"""Looks are multiples of the smallest unit of work, so that stages cut no batch in two."""

FIRST, GROWTH, CLOSEST = 100, 1.5, 1.25
BOUNDS = {"percent": (0.0, 100.0), "points": (-100.0, 100.0)}
_FORM = re.compile(r"\s*(\w+)\s*(?:±|\+/-|\+-)\s*(.*?)\s*", re.ASCII)


@dataclass(frozen=True)
class Until:
    """Go on until half the width of the interval of ``metric`` is at most ``half_width``."""

    metric: str
    half_width: float

    @property
    def definition(self) -> MetricDefinition | SuiteMetricDefinition:
        """The metric, of one stress or else of a whole suite."""
        from roadworthy.metrics import METRICS
        from roadworthy.metrics.suite import whole_metrics

        whole = whole_metrics()
        if self.metric in whole and self.metric not in METRICS:
            return whole[self.metric]
        found: MetricDefinition = METRICS[self.metric]
        return found

    @property
    def bounds(self) -> str:
        """What bounds the intervals, for `widened`."""
        definition = self.definition
        return getattr(definition, "bounds", definition.unit)


def parse_until(text: str) -> Until:
    """Read ``top1±1.0``, also written ``top1+-1.0`` or ``top1+/-1.0``; raises UsageError.

    The number is half the width of the 95 % interval, in the unit of the metric.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(
            f"until '{text}': expected a metric and half the width of its interval, such as "
            f"'top1±1.0' (also written 'top1+-1.0')"
        )
    name, number = form.groups()
    try:
        until = Until(name, float(number))
        _ = until.definition
    except ValueError:
        raise UsageError(f"until '{text}': '{number}' is no number; write '{name}±1.0'") from None
    except UsageError as error:
        raise UsageError(f"until '{text}': {error}") from None
    if not 0 < until.half_width < math.inf:
        raise UsageError(f"until '{text}': the width must be larger than 0, not {number}")
    return until


def planned_looks(samples: int, until: Until) -> tuple[int, ...]:
    """Return the sample counts at which the interval is looked at, the last being ``samples``.

    Each look is half as large again as the one before. There is no look before a share of samples
    could be precise enough at all: the 95 % Wilson interval of n equal verdicts is 384/(n + 4)
    percent wide. Nor one so close to the end that stopping would save little.
    """
    first = float(FIRST)
    if until.bounds in BOUNDS:
        first = max(first, NORMAL**2 * (100 / (2 * until.half_width) - 1))
    looks = []
    while first * CLOSEST <= samples:
        looks.append(math.ceil(first / STEP) * STEP)
        first = looks[-1] * GROWTH
    return (*(n for n in looks if n * CLOSEST <= samples), samples)


@lru_cache
def widening(looks: Sequence[int]) -> float:
    """Return by how much 95 % intervals must be wider for all of ``looks`` to hold together.

    A run that may stop at any of several looks gives chance several tries: if each interval covered
    the truth in 95 % of runs, the one that the run stops at would in fewer. The boundary returned is
    constant over the looks (Pocock, "Group sequential methods in the design and analysis of
    clinical trials", Biometrika 64 (1977)): the standardised error stays below it at all looks with
    a probability of 95 %, by recursive integration (Armitage, McPherson and Rowe, "Repeated
    significance tests on accumulating data", JRSS A 132 (1969)). So the interval covers at whatever
    look the run stops, for whatever reason. It is asymptotic, as the intervals of metrics are.
    Dividing the error among the looks (Bonferroni) would be wider, as looks share most samples.
    """
    low, high = NORMAL, 6.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if _inside(looks, middle) > 0.95 else (middle, high)
    return high / NORMAL if len(looks) > 1 else 1.0


def _inside(looks: Sequence[int], boundary: float) -> float:
    """Return the probability that the standardised error is within the boundary at every look."""
    nodes, weights = np.polynomial.legendre.leggauss(96)
    z, weights = boundary * nodes, boundary * weights
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    for before, after in pairwise(looks):
        share = before / after
        spread = math.sqrt(1 - share)
        kernel = np.exp(-np.square((z[:, None] - math.sqrt(share) * z) / spread) / 2)
        density = kernel @ (weights * density) / (spread * math.sqrt(2 * math.pi))
    return float((weights * density).sum())


def widened(estimate: Estimate, factor: float, *, unit: str) -> Estimate:
    """Return ``estimate`` with both ends of its interval moved away by ``factor``, inside its unit."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    value, (least, most) = estimate.value, BOUNDS.get(unit, (-math.inf, math.inf))
    low = max(least, value - factor * (value - estimate.low))
    high = min(most, value + factor * (estimate.high - value))
    return replace(estimate, low=low, high=high)


def half_width(estimate: Estimate | None) -> float | None:
    """Return half the width of an interval, or None where there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / 2
