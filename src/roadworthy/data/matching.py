"""Which outputs of a model carry the name of a class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from roadworthy.data.classes import WNID
from roadworthy.types import Classes

By = Literal["wnid", "name", "index"]

_PLACEHOLDER = re.compile(r"(label|class|cls|output|category)?[ _-]?[0-9]+", re.IGNORECASE)


def spaced(name: str) -> str:
    """Return a name with underscores and hyphens as single spaces."""
    return " ".join(re.sub(r"[_-]", " ", name).split())


def normal(name: str) -> str:
    """Return a name as it is compared: like ``spaced``, without case."""
    return spaced(name).casefold()


def synonyms(name: str) -> list[str]:
    """Return the full name and each of its synonyms: ``"tench, Tinca tinca"`` has two."""
    return list(dict.fromkeys(n for n in map(normal, [name, *name.split(",")]) if n))


def meaningful(names: Sequence[str] | None) -> Sequence[str] | None:
    """Return ``names``, or None where they only number the classes (``LABEL_7``)."""
    if not names or all(_PLACEHOLDER.fullmatch(name.strip()) or not name for name in names):
        return None
    return names


def by_name(names: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """Return, for every name and synonym, the outputs that carry it."""
    found: dict[str, list[int]] = defaultdict(list)
    for output, name in enumerate(names):
        for synonym in synonyms(name):
            found[synonym].append(output)
    return {name: tuple(outputs) for name, outputs in found.items()}


def outputs_of(
    name: str, index: Mapping[str, tuple[int, ...]], model: Sequence[str]
) -> tuple[int, ...]:
    """Return the outputs that ``name`` may mean, the best kind of agreement only.

    The whole text, with and then without case, the leading synonym on both sides, any synonym:
    ``Cardigan`` and ``cardigan``, ``maillot`` and ``maillot, tank suit`` are ImageNet classes.
    """
    whole, leading = normal(name), normal(name.split(",")[0])
    candidates = sorted({output for word in synonyms(name) for output in index.get(word, ())})
    exact = tuple(output for output in candidates if spaced(model[output]) == spaced(name))
    same = tuple(output for output in candidates if normal(model[output]) == whole)
    if exact or same:
        return exact or same
    first = tuple(output for output in candidates if normal(model[output].split(",")[0]) == leading)
    return first or tuple(candidates)


def wnids_of(classes: Classes) -> Sequence[str] | None:
    """Return the WordNet ids of classes, also where they stand in place of the names."""
    if classes.wnids is None and classes.names and all(WNID.fullmatch(n) for n in classes.names):
        return classes.names
    return classes.wnids


def kinds(data: Classes, model: Classes) -> Iterator[tuple[By, Sequence[str], Sequence[str]]]:
    """Yield what both sides know of their classes, the strongest first."""
    mine, theirs = wnids_of(data), wnids_of(model)
    if mine and theirs:
        yield "wnid", mine, theirs
    mine, theirs = meaningful(data.names), meaningful(model.names)
    if mine and theirs:
        yield "name", mine, theirs


def match(
    by: By, mine: Sequence[str], theirs: Sequence[str], *, same: bool
) -> list[tuple[int, ...]]:
    """Return, for each class of the data, the outputs it may mean.

    Where both sides are equally many (``same``), a name that several outputs carry means the one
    in its own place: ImageNet has two cranes.
    """
    if by == "wnid":
        index = {wnid: (i,) for i, wnid in enumerate(theirs)}
        return [index.get(wnid, ()) for wnid in mine]
    names = by_name(theirs)
    found = [outputs_of(name, names, theirs) for name in mine]
    return [
        (label,) if same and label in outputs else outputs for label, outputs in enumerate(found)
    ]
