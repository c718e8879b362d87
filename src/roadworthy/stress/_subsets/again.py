"""What a record of subsets showed, cut out once more of what is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from roadworthy.stress.bound import Stress, stress
from roadworthy.stress.ranking import Arrays, Cut, Ranked


def cut_again(made: Mapping[str, Arrays], row: Mapping[str, Any], *, seed: int) -> Cut:
    """Return what a record shows of its one image, of what was ``made`` of that: arrays (1, ...).

    ``row`` is a record; of random subsets the last draw of the result is the one that it names as
    ``frame``, or the first. Raises LookupError for a variant that a stress does not have, and for
    what only a model can tell, such as what a deletion pass leaves.
    """
    one, variant = _bound(str(row["stress"])), str(row["variant"])
    ranking = one.definition.ranking
    if ranking is None:
        raise LookupError(f"'{one.spec}' ranks no pixels")
    # Controls of their own have an order of their own, and there is no other in the file.
    every = {"order": next(iter(made.values())), **made}
    classes = {name: np.array([int(row.get("target") or 0)]) for name in every}
    ranked = Ranked(every, classes, [str(row["sample"])], seed)
    asked = {"controls": _controls(variant), "draws": row.get("frame") or 1}
    with suppress(KeyError):
        for setting in one.settings:
            for cut in ranking.cuts(ranked, {**setting.arguments, **asked}, True):
                if cut.named(setting.key) == variant:
                    return cut
    raise LookupError(f"what {one.name} showed as '{variant}' is not kept")


def _controls(variant: str) -> tuple[str, ...]:
    """Return the controls that a stress must be asked for, to show a variant."""
    if "baseline=" in variant:
        return ("baselines",)
    found = re.search(r"control=(\w+)", variant)
    return (found[1],) if found else ()


@lru_cache(maxsize=64)
def _bound(spec: str) -> Stress:
    return stress(spec)
