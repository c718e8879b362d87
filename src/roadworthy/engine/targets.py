"""Which output an image should be taken for, by the rule that an attack was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.labels import Relation
from roadworthy.errors import SampleError, UsageError, did_you_mean
from roadworthy.seed import rng_for
from roadworthy.stress.bound import Stress
from roadworthy.types import Dataset, Sample

RANKED = ("second", "least")
"""Rules that need to know which classes the model thinks more likely than others."""

RULES = ("none", "random", *RANKED)


def target_columns(one: Stress) -> list[str]:
    """Return the columns of the data set that say what the stress aims at."""
    asked = {str(s.arguments["target"]) for s in one.settings if "target" in s.arguments}
    return sorted(asked - set(RULES))


def unknown_target(one: Stress, dataset: Dataset) -> str:
    """Return why ``dataset`` does not know a target of the stress, or an empty text."""
    for rule in target_columns(one):
        columns = sorted({name for sample in dataset.samples for name in sample.columns})
        if rule not in columns:
            listed = f"its columns are {', '.join(columns)}" if columns else "it has no columns"
            return (
                f"target={rule}{did_you_mean(rule, [*RULES, *columns])} is no rule "
                f"({', '.join(RULES)}) and no column of '{dataset.spec}' ({listed})"
            )
    return ""


def target_of(
    rule: str, sample: Sample, label: int, clean: NDArray[np.float32], relation: Relation, seed: int
) -> int | None:
    """Return the output that an image should be taken for under a target rule; None under "none".

    ``random`` is any output but the label, ``second`` the most likely of the others on the clean
    image, ``least`` the least likely; any other word is the column of the data set that says it, as
    a class of the data set. Raises SampleError where there is none or it is the label.
    """
    if rule == "none":
        return None
    others = np.delete(np.arange(len(clean)), label)
    if rule in RULES and not len(others):
        raise SampleError(f'"{sample.id}": the model has one output, there is none to aim at')
    if rule == "random":
        return int(rng_for(seed, "target", 1, sample.id, rule).choice(others))
    if rule in RANKED:
        ranked = others[np.argsort(-clean[others], kind="stable")]
        return int(ranked[0 if rule == "second" else -1])
    given = sample.columns.get(rule)
    try:
        target = relation.target_of(int(str(given)))
    except (ValueError, UsageError):
        raise SampleError(
            f"\"{sample.id}\": its column '{rule}' has no class to aim at (it says {given!r})"
        ) from None
    if target == label:
        raise SampleError(f"\"{sample.id}\": the target in column '{rule}' is its label")
    return target
