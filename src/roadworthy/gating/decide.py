"""From an interval and a bound to a decision, and how many images one would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from roadworthy.gating.requirement import Requirement
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import NORMAL

Status = Literal["pass", "fail", "undecided"]

POWER = 0.8
"""How likely so many images decide, if the value is as it was seen."""
MOST = 10**9

_WIDER = (1 + NormalDist().inv_cdf(POWER) / NORMAL) ** 2


@dataclass(frozen=True)
class Decision:
    """Whether a requirement is met, why not, and with how many images it would be decided."""

    status: Status
    reason: str = ""
    needed: int | None = None


def decide(requirement: Requirement, found: Estimate) -> Decision:
    """Decide by the whole 95 % interval: on the good side, on the bad one, or across the bound.

    Each wrong decision happens in at most 2.5 % of runs, as far as the interval is right. What has
    no images, no value or no interval is undecided; so is a value that is no number. Medians may
    be infinite, and so may the upper ends of their intervals, which then are not known: they are
    above every bound that the lower end is above.
    """
    if found.n <= 0:
        return Decision("undecided", found.reason or "no image was judged")
    ends = [None if v is None or math.isnan(v) else v for v in (found.low, found.value, found.high)]
    low, value, high = ends
    if low is not None and found.high is None and (value is None or "median" in requirement.metric):
        value, high = (math.inf if value is None else value), math.inf
    if value is None:
        return Decision("undecided", found.reason or "there is no value")
    if low is None or high is None:
        return Decision("undecided", found.reason or "there is no interval to decide by")
    good, bad = (low, high) if requirement.at_least else (high, low)
    if requirement.holds(good):
        return Decision("pass")
    if not requirement.holds(bad):
        return Decision("fail")
    needed = _needed(requirement, low, value, high, found.n)
    return Decision("undecided", "the bound lies inside the interval", needed)


def _needed(requirement: Requirement, low: float, value: float, high: float, n: int) -> int | None:
    """Return how many images decide with a chance of 80 %, None where no number does.

    An interval is as wide as one over the root of the number of images: of McNemar's differences
    this is 7.84 · (share that flips) / difference².
    """
    apart = abs(value - requirement.bound)
    good = requirement.holds(value)
    wide = abs(value - (low if good == requirement.at_least else high))
    if apart == 0 or not math.isfinite(apart) or not math.isfinite(wide):
        return None
    needed = n * _WIDER * (wide / apart) ** 2
    return math.ceil(needed) if needed <= MOST else None
