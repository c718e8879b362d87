"""Do the outputs of two artefacts mean the same classes, in the same order?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.types import Classes, Logits

ALIKE = 0.95
"""Correlation over images from which two outputs are the same one."""

MOST = 0.9
"""Share of outputs that must be found again before an order is taken for another order."""


def check_classes(first: Classes, second: Classes, names: tuple[str, str]) -> None:
    """Raise UsageError where two artefacts declare other numbers or another order of classes."""
    if first.count != second.count:
        more = (
            "; where one of them has outputs before the first class, say offset=1"
            if abs((first.count or 0) - (second.count or 0)) == 1
            else ""
        )
        raise UsageError(
            f"'{names[0]}' has {first.count} classes and '{names[1]}' has {second.count}: these are "
            f"no artefacts of one model{more}"
        )
    for mine, theirs in ((first.wnids, second.wnids), (first.names, second.names)):
        if mine and theirs and mine != theirs and _reordered(mine, theirs):
            place = next(
                i for i, pair in enumerate(zip(mine, theirs, strict=False)) if len(set(pair)) > 1
            )
            raise UsageError(
                f"'{names[0]}' and '{names[1]}' have their classes in another order: output {place} "
                f"is '{mine[place]}' of the one and '{theirs[place]}' of the other; nothing can be "
                "compared before both have one order"
            )


def _reordered(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether both have most words in common, but not in place: other spellings are no other order."""
    shared = len(set(mine) & set(theirs))
    in_place = sum(a == b for a, b in zip(mine, theirs, strict=False))
    return shared >= MOST * len(mine) and in_place < shared


def check_order(first: Logits, second: Logits, names: tuple[str, str]) -> None:
    """Raise UsageError where the outputs (N, classes) of the second are the first's in another order.

    Which output is which is told by correlation over the images; nothing is concluded unless nearly
    every output is found again, once, and in another place.
    """
    places = _places(first, second)
    if places is None:
        return
    moved = np.flatnonzero(places != np.arange(len(places)))
    listed = ", ".join(f"{i} is {places[i]}" for i in moved[:3])
    shift = set((places[moved] - moved).tolist())
    hint = (
        " (all by one: is there an output before the first class?)"
        if shift <= {1, 1 - len(places)}
        else ""
    )
    raise UsageError(
        f"the outputs of '{names[1]}' come in another order than those of '{names[0]}'{hint}: of "
        f"{len(places)}, {len(moved)} are elsewhere, output {listed}, …; give both one order (class "
        "folders sorted as text put 10 before 2)"
    )


def _places(first: Logits, second: Logits) -> NDArray[np.int64] | None:
    """Return where each output of the first is in the second; None where they are in place or unknown."""
    images, count = first.shape
    agreeing = (first.argmax(axis=1) == second.argmax(axis=1)).mean()
    if images < 8 or count < 3 or agreeing > 0.5:
        return None
    a, b = (_standardised(x) for x in (first, second))
    found = a.T @ b / images
    places: NDArray[np.int64] = found.argmax(axis=1)
    sure = found.max(axis=1) >= ALIKE
    once = len(set(places[sure].tolist())) == int(sure.sum())
    moved = (places != np.arange(count))[sure]
    # Two outputs that always move together could change places unnoticed: most of them must be moved.
    return places if once and sure.mean() >= MOST and moved.mean() > 0.5 else None


def _standardised(x: Logits) -> NDArray[np.float64]:
    # What is common to all outputs of an image would make all of them alike.
    plain = x.astype(np.float64) - x.mean(axis=1, keepdims=True)
    centred = plain - plain.mean(axis=0)
    scale = centred.std(axis=0)
    standardised: NDArray[np.float64] = centred / np.where(scale > 0, scale, 1.0)
    return standardised
