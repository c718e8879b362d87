"""From label values as they stand in files to indices, and what the indices mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from roadworthy.errors import UsageError
from roadworthy.types import Classes

WNID = re.compile(r"n\d{8}")
LARGEST_INDEX = 1_000_000

_WHOLE = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?\.?|[+-]?[0-9]+\.")

Where = Callable[[int], str]
"""Names the place of the i-th value, for messages: ``labels.csv, line 7``."""


def named(names: Sequence[str]) -> Classes:
    """Return declared classes called ``names``, as WordNet ids where every name is one."""
    if names and all(WNID.fullmatch(name) for name in names):
        return Classes(count=len(names), wnids=tuple(names))
    return Classes(count=len(names), names=tuple(names))


def check_index(label: int, where: str, classes: int | None) -> int:
    """Return ``label`` if it is an index into ``classes`` classes, else raise UsageError."""
    limit = LARGEST_INDEX if classes is None else classes
    if 0 <= label < limit:
        return label
    if label < 0:
        raise UsageError(
            f"{where}: label {label} is negative; expected a class index from 0 on "
            f"(-1 usually marks a split without labels)"
        )
    declared = "" if classes is None else f", since {classes} classes are declared"
    hint = "; do the labels count from 1?" if label == classes else ""
    raise UsageError(
        f"{where}: label {label} is out of range; expected 0..{limit - 1}{declared}{hint}"
    )


def index_labels(
    values: Sequence[str], *, where: Where, classes: int | None = None
) -> tuple[list[int], Classes]:
    """Turn label texts into indices: integers stay, WordNet ids and names are numbered in order.

    Integers are indices into classes the file does not name, so the count stays unknown unless
    ``classes`` declares it. Words bring their own classes: the distinct ones, sorted. Raises
    UsageError naming the place for an empty label, a mixture, or an index out of range.
    """
    whole = bool(values) and _WHOLE.fullmatch(values[0].strip()) is not None
    texts = []
    for i, value in enumerate(values):
        text = value.strip()
        if not text:
            raise UsageError(f"{where(i)}: the label is empty; expected a class index or name")
        if not _WHOLE.fullmatch(text) and _NUMBER.fullmatch(text):
            raise UsageError(
                f"{where(i)}: label '{text}' is not a class index; expected a whole number "
                f"from 0 on, such as 7, or a class name"
            )
        if (_WHOLE.fullmatch(text) is not None) != whole:
            raise UsageError(
                f"{where(i)}: label '{text}' does not go with '{values[0].strip()}' in "
                f"{where(0)}; expected all labels to be indices, or all to be names"
            )
        texts.append(text)
    if whole:
        # int() of a very long text is refused by Python itself, so the length is looked at first
        bounded = (int(t) if len(t.lstrip("0")) < 12 else 10**12 for t in texts)
        labels = [check_index(n, where(i), classes) for i, n in enumerate(bounded)]
        return labels, Classes(count=classes)
    names = sorted(set(texts))
    check_count(len(names), classes, where(0))
    position = {name: i for i, name in enumerate(names)}
    return [position[text] for text in texts], named(names)


def check_count(found: int, classes: int | None, where: str) -> None:
    """Raise UsageError where ``classes=`` contradicts classes that are named in the data."""
    if classes is not None and classes != found:
        raise UsageError(
            f"{where}: classes={classes} is given, but the labels are words and name {found} "
            f"classes; leave classes= out, or write class indices"
        )


def check_declared(classes: int | None, where: str) -> None:
    """Raise UsageError unless ``classes`` is None or a sensible number of classes."""
    if classes is not None and not 1 <= classes <= LARGEST_INDEX:
        raise UsageError(f"{where}: classes={classes}; expected 1..{LARGEST_INDEX}")
