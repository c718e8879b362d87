"""Which member of a cascade broke how many images, and what each left standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate, Rows
from roadworthy.metrics.interval import proportion
from roadworthy.spec import parse


@dataclass(frozen=True)
class MemberShare:
    """One member: how many images it broke, in percent of all, and the robust accuracy left then.

    The first has no name: it is the clean accuracy, and what was "broken" are the clean errors.
    """

    name: str
    broken: int
    share: Estimate
    left: Estimate


def members_in_turn(rows: Rows) -> list[MemberShare]:
    """Return what the members of a cascade did one after the other; nothing if none broke any.

    ``rows`` are usable records of one attack with one budget, each sample once. Members that broke
    no image are not in the records. The order is that of the forward passes which the broken images
    had cost by then: an image only gets to a member after all those before have spent theirs on it.
    """
    broken = rows.filter(pl.col("success") & pl.col("broken_by").is_not_null())
    if broken.is_empty():
        return []
    found = (
        broken.group_by("broken_by")
        .agg(pl.len(), pl.col("forwards").cast(pl.Float64).mean())
        .sort("forwards", "broken_by")
    )
    counts = [("", int((rows["status"] == "clean_error").sum()))]
    counts += found.select("broken_by", "len").rows()
    n, left, shares = len(rows), len(rows), []
    for name, count in counts:
        left -= count
        shares.append(MemberShare(name, count, _of(count, n), _of(left, n)))
    return shares


def square_last(stress: str) -> bool:
    """Return whether an attack made of several tries Square after others that use gradients.

    Members that broke nothing are not in the records, so that the spec has to say.
    """
    spec = parse(stress)
    if spec.name == "autoattack":
        return dict(spec.params).get("version", "standard") == "standard"
    names = [str(member).partition("(")[0] for member in spec.args]
    return spec.name == "cascade" and len(names) > 1 and names[-1] == "square"


def _of(count: int, n: int) -> Estimate:
    hits = np.arange(n) < count
    return proportion(hits.astype(float), np.ones(n))
