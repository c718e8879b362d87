"""Which stress of a run a requirement means, however it is written."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.report.cells import label_of
from roadworthy.report.names import WORST_CASE
from roadworthy.spec import SpecError, parse

Place = tuple[str, str | None]
"""Stress and variant of a run; None where the variant is not settled."""

ALONE = {"profile": "profile:", WORST_CASE: f"{WORST_CASE}("}
"""Names that stand for the only one of their kind, and how specs of that kind begin."""


def place_of(text: str, known: Sequence[tuple[str, str]]) -> Place | None:
    """Return what ``text`` means among the (stress, variant) of a run, None if that was not run.

    A stress may be written with its parameters in any order, with or without defaults, and one
    level of several by itself: ``fog(severity=3)`` is a variant of ``fog``. Raises UsageError with
    the nearest name for what is no stress or suite at all.
    """
    stresses = list(dict.fromkeys(stress for stress, _ in known))
    for spelling in (text, _written(text)):
        if spelling in stresses:
            return spelling, None
    written = {_written(stress): stress for stress in stresses}
    labels = {_written(label_of(*one)): one for one in known if one[1]}
    alone = [stress for stress in stresses if text in ALONE and stress.startswith(ALONE[text])]
    if len(alone) == 1:
        return alone[0], None
    if len(alone) > 1:
        raise UsageError(f"'{text}' may be any of {', '.join(alone)}; write which one")
    for spelling in (_written(text), _resolved(text, stresses)):
        if spelling in written:
            return written[spelling], None
        if spelling in labels:
            return labels[spelling]
    alike = [stress for stress in stresses if _head(stress) == _head(text) and _same(stress, text)]
    return (alike[0], None) if alike else None


def _head(stress: str) -> str:
    return stress.partition("(")[0].partition(":")[0]


def _same(first: str, second: str) -> bool:
    """Whether two specs of one stress have the same variants: ``fog`` and ``fog(severity=1..5)``."""
    from roadworthy.stress.bound import stress

    try:
        a, b = stress(first), stress(second)
    except UsageError:  # suites, and stresses that were never ours
        return False
    return (a.settings, a.frame, a.store) == (b.settings, b.frame, b.store)


def _written(text: str) -> str:
    try:
        return str(parse(text))
    except SpecError:
        return text


def _resolved(text: str, stresses: Sequence[str]) -> str:
    """Return the canonical spec of a stress or suite; raises UsageError for what is none."""
    from roadworthy.suites import resolve

    try:
        found, suites = resolve([text])
    except UsageError as error:
        hint = "" if "did you mean" in str(error) else did_you_mean(text, stresses)
        raise UsageError(f"{error}{hint}") from None
    return suites[0].spec if suites else found[0].spec
