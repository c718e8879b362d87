"""What a user may say about sufficient input subsets, checked, and what that asks of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress._subsets.removal import MOST_STEPS
from roadworthy.stress._subsets.schedule import (
    DECAYS,
    SMALL_FRAME,
    Kind,
    Schedule,
    rate_of,
    together,
)
from roadworthy.stress.masks import one, resolved
from roadworthy.stress.ranking import Arrays, Wanted
from roadworthy.types import Classifier, Need

Arguments = Mapping[str, Any]
Size = tuple[int, int]

EVERY = 1 << 62
"""Units left from which on each is tried: at the beginning of any order."""

MOST_DRAWS = 1000


def check(given: Arguments) -> None:
    """Refuse what means nothing; raises UsageError that says what was expected."""
    for name, what in (("threshold", "a probability"), ("rate", "the share that goes in a step")):
        if not 0 < given.get(name, 0.5) < 1:
            raise UsageError(f"sis: {name} is {what}, above 0 and below 1, not {given[name]}")
    for name in ("k", "deletion", "collection", "early_stop"):
        value, least = given.get(name), 0 if name == "deletion" else 1
        if value not in (None, "auto") and value < least:
            raise UsageError(f"sis: {name} must be at least {least}, not {value}")
    if not 1 <= given["draws"] <= MOST_DRAWS:
        raise UsageError(
            f"sis: draws is how many random subsets of an image there are of each size, 1 to "
            f"{MOST_DRAWS}, not {given['draws']}; for none leave random_subset out of controls"
        )
    if given["exact_from"] < 0:
        raise UsageError(
            f"sis: exact_from is how many pixels are left when each is tried, not {given['exact_from']}"
        )
    decay = given.get("decay")
    if decay is not None and not 0 <= decay < 1:
        raise UsageError(
            f"sis: decay is how much earlier slopes count, from 0 and below 1, not {decay}"
        )
    for fraction in given["fractions"]:
        if not 0 < fraction < 1:
            raise UsageError(f"sis: fractions lie between 0 and 1, not at {fraction}")
    if given.get("rate") is not None and given["schedule"] != "geometric":
        raise UsageError(
            "sis: rate is the share that goes in a step of schedule=geometric; add that"
        )
    for mask in resolved(given["baselines"]):
        if mask.definition.drops:
            raise UsageError(
                f"sis: '{mask.spec}' covers no pixels, it leaves out patches: it can be the mask, but "
                "is none of the baselines"
            )


def schedule_of(given: Arguments, size: Size) -> Schedule:
    """Return the schedule on a frame; settings that it does not use are always the same in it."""
    units = size[0] * size[1]
    exact = given["method"] == "exact"
    kind: Kind = "constant" if exact else given["schedule"]
    decay = DECAYS[kind] if given.get("decay") is None else given["decay"]
    return Schedule(
        kind,
        together(given["k"], units) if kind == "constant" and not exact else 1,
        rate_of(given.get("rate"), units) if kind == "geometric" else 0.0,
        0.0 if exact else decay,
        EVERY if exact else given["exact_from"],
    )


def tried_together(given: Arguments, size: Size) -> int:
    """Return how many pixels a deletion pass tries at once: one on small frames; 0 for no pass."""
    units = size[0] * size[1]
    if given["deletion"] != "auto":
        return int(given["deletion"])
    return 1 if units <= SMALL_FRAME else together("auto", units)


def wants(given: Arguments, size: Size) -> tuple[Wanted, ...]:
    """Return the orders that are wanted of a model, and the collection if there is to be one.

    A threshold only belongs to orders that it may end early, and to collections.
    """
    plan = schedule_of(given, size)
    mask, at = one(given["mask"]), {"threshold": given["threshold"]}
    patience = given.get("early_stop")
    order = {
        "mask": mask.digest,
        "schedule": (plan.kind, plan.k, plan.rate, plan.decay, plan.exact_from),
        **({} if patience is None else {**at, "early_stop": patience}),
    }
    found = [Wanted("order", "predicted", mask.spec, order, compared=True)]
    if "random_class" in given["controls"]:
        found.append(Wanted("random_class", "random", mask.spec, order))
    if given["collection"] > 1:
        several = {**order, **at, "collection": given["collection"]}
        found.append(Wanted("collection", "predicted", mask.spec, several, ("order",)))
    return tuple(found)


def needs(given: Arguments) -> frozenset[Need]:
    """Return what is asked of a model: a gradient unless every pixel is tried."""
    mask = one(given["mask"]).definition.needs
    if given["method"] == "exact":
        return frozenset({Need.PROBABILITIES}) | mask
    return frozenset({Need.GRADIENT, Need.PROBABILITIES}) | mask


def nothing(size: Size) -> Arrays:
    """Return what is made of no image, of everything."""
    return {
        "order": np.zeros((0, *size), np.uint16),
        "confidence": np.zeros((0, 1), np.float32),
        "baseline": np.zeros(0, np.float32),
        "partial": np.zeros(0, bool),
        "member": np.zeros((0, *size), np.uint16),
        "forwards": np.zeros(0, np.int64),
        "backwards": np.zeros(0, np.int64),
    }


def unshown(given: Arguments, model: Classifier) -> str:
    """Return why a model cannot be shown a part of an image, or nothing."""
    fits = one(given["mask"]).definition.fits
    return "" if fits is None else fits(model)


def grid(given: Arguments, model: Classifier, size: Size) -> Size:
    """Return the rows and columns of what can be removed of a frame: its pixels, or tokens."""
    found = one(given["mask"]).definition.grid
    return size if found is None else found(model)


def unfit(given: Arguments, model: Classifier, size: Size) -> str:
    """Return why a model or a frame will not do, or nothing."""
    if reason := unshown(given, model):
        return reason
    what = "pixels" if grid(given, model, size) == size else "patches"
    size = grid(given, model, size)
    units, plan = size[0] * size[1], schedule_of(given, size)
    frame = f"a frame of {size[0]}x{size[1]}"
    if plan.k > units:
        return f"k={plan.k} {what} cannot go at once from {frame}, which has {units}"
    by_slope, by_trial = steps_of(given, size)
    if by_slope + by_trial > MOST_STEPS:
        least = -(-units // MOST_STEPS)
        return (
            f"{frame} loses {units} {what} in more than {MOST_STEPS} steps, which is as far as "
            f"orders count; give k={least} or more, or schedule=geometric"
        )
    return ""


def steps_of(given: Arguments, size: Size) -> tuple[int, int]:
    """Return in how many steps pixels go by slopes, and in how many by trying each."""
    return schedule_of(given, size).steps(size[0] * size[1])


def passes(given: Arguments, size: Size) -> tuple[int, int]:
    """Return the forward and backward passes that an image takes until everything is made."""
    by_slope, by_trial = steps_of(given, size)
    times = len(wants(given, size)) + max(0, given["collection"] - 2)
    trials = by_trial * (by_trial + 1) // 2 + bool(by_trial)
    return times * (by_slope + trials + 1), times * by_slope


def shown(given: Arguments) -> int:
    """Return how many pictures of an image are judged."""
    several = given["draws"] * ("random_subset" in given["controls"])
    alone = sum(name in given["controls"] for name in ("mask_only", "dilated", "random_class"))
    others = len(resolved(given["baselines"])) - 1 if "baselines" in given["controls"] else 0
    return int((1 + len(given["fractions"])) * (1 + several) + alone + max(0, others) + 1)
