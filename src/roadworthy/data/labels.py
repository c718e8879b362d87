"""How the labels of a data set relate to the outputs of a model; a mismatch explains itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.data import explain
from roadworthy.data.matching import By, by_name, kinds, match, synonyms
from roadworthy.errors import UsageError
from roadworthy.types import Classes, Dataset

AGREE = 0.9
"""Share of names that must agree in place before equal counts are taken for the same classes."""


@dataclass(frozen=True)
class Relation:
    """Which output of a model each class of a data set means.

    ``targets`` is int32, (classes of the data,): the 0-based class of the model, -1 for a class
    without images that has none. ``subset`` is bool, (classes of the model,): those some class of
    the data relates to, or None where that is all of them. ``description`` is one line for people.
    """

    targets: NDArray[np.int32]
    subset: NDArray[np.bool_] | None
    by: By
    description: str

    def target_of(self, label: int) -> int:
        """Return the model's class for a label; raises UsageError where there is none."""
        if 0 <= label < len(self.targets) and self.targets[label] >= 0:
            return int(self.targets[label])
        raise UsageError(f"label {label} relates to no output of the model: {self.description}")


def relate(data: Dataset, model: Classes, *, model_name: str = "the model") -> Relation:
    """Match the classes of ``data`` to those of ``model`` by WordNet id, then name, then index.

    Classes that the data declare (a class count, names of folders or in the metadata) are their
    own and must all be found in the model, or be as many as it has. Undeclared integer labels are
    indices into the model's classes, unless they run densely from 0 as a set of another size
    would. Raises UsageError naming both sides, what was expected and what to do: classes that do
    not fit must never show up as a low accuracy.
    """
    if model.count is None:
        raise explain.unknown_count(model_name)
    used = sorted({sample.label for sample in data.samples})
    size = data.classes.count
    if size is None:
        size = _dense(used, len(data.samples))
        if size is None or size == model.count:
            return _by_shared_index(data, used, model, model_name)
    return _by_meaning(data, size, used, model, model_name)


def _dense(used: Sequence[int], images: int) -> int | None:
    """Return K where the labels are all of 0..K-1: four or more of them, or fewer with many images.

    A refusal can be undone by ``classes=``; a top-1 of nothing looks like a result.
    """
    size = len(used)
    whole = size >= 2 and used[-1] == size - 1
    return size if whole and (size >= 4 or images >= 3 * size) else None


def _by_shared_index(
    data: Dataset, used: Sequence[int], model: Classes, model_name: str
) -> Relation:
    count = model.count or 0
    if used[-1] >= count:
        raise explain.out_of_range(data, used, count, model_name)
    note = _confirmed(data, used, model, model_name)
    return _identity(count, "index", f"labels index the {count} outputs{note}")


def _by_meaning(
    data: Dataset, size: int, used: Sequence[int], model: Classes, model_name: str
) -> Relation:
    """Match ``size`` classes that are the data's own."""
    count = model.count or 0
    strangers = False
    for by, mine, theirs in kinds(data.classes, model):
        if any(label >= len(mine) or not mine[label] for label in used):
            continue  # known for some labels only: can contradict an index, but not replace it
        if size == count and ("" in mine or len(mine) < size):
            continue  # likewise: these labels claim to index the model's own classes
        found = match(by, mine, theirs, same=size == count)
        targets = [outputs[0] if len(outputs) == 1 else -1 for outputs in found]
        in_place = sum(targets[label] == label for label in used)
        astray = any(targets[label] not in (-1, label) for label in used)
        if size == count and not astray and in_place >= AGREE * len(used):
            note = f"{in_place} of {len(used)} in the same place"
            return _identity(
                count, by, f"{size} data classes matched to {count} outputs by {by}, {note}"
            )
        missing = [label for label in used if not found[label]]
        if len(missing) == len(used):
            strangers = True
            continue
        if missing:
            raise explain.partial(data, mine, missing, theirs, by, model_name)
        for label in used:
            if targets[label] < 0:
                raise explain.ambiguous(data, mine[label], found[label], theirs, model_name)
        return _selected(targets, count, by)
    if size != count:
        raise explain.different_counts(data, size, model, model_name)
    if strangers:
        raise explain.unrelated(data, model, model_name)
    note = _confirmed(data, used, model, model_name)
    return _identity(
        count, "index", f"{size} data classes matched to {count} outputs by index{note}"
    )


def _identity(count: int, by: By, description: str) -> Relation:
    return Relation(np.arange(count, dtype=np.int32), None, by, description)


def _selected(targets: Sequence[int], count: int, by: By) -> Relation:
    array = np.array(targets, dtype=np.int32)
    subset = np.zeros(count, dtype=np.bool_)
    subset[array[array >= 0]] = True
    related = int((array >= 0).sum())
    description = f"{related} data classes matched to {count} outputs by {by}"
    return Relation(array, None if subset.all() else subset, by, description)


def _confirmed(data: Dataset, used: Sequence[int], model: Classes, model_name: str) -> str:
    """Say by what the indices are confirmed; raises UsageError at the first contradiction."""
    for by, mine, theirs in kinds(data.classes, model):
        index = {by_: i for i, by_ in enumerate(theirs)} if by == "wnid" else {}
        names = by_name(theirs) if by == "name" else {}
        agreeing = 0
        for label in used:
            text = mine[label] if label < len(mine) else ""
            if not text:
                continue
            if by == "wnid":
                meant = {index.get(text, -1)}
            else:
                meant = {output for word in synonyms(text) for output in names.get(word, ())}
            if meant and label not in meant:
                raise explain.contradiction(data, label, text, theirs[label], by, model_name)
            agreeing += bool(meant)
        if agreeing:
            return f", confirmed for {agreeing} classes by {by}"
    return ""
