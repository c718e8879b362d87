"""The rows of a summary that a requirement is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from roadworthy.errors import UsageError
from roadworthy.gating import pick
from roadworthy.gating.pick import Chosen, Line, Selection
from roadworthy.gating.requirement import Requirement


def chosen(requirement: Requirement, known: Sequence[Line]) -> Chosen:
    """Return the rows that a requirement asks for; all of them must meet it.

    Raises UsageError that quotes the requirement, with the nearest name for what there is not.
    """
    names = ("metric", "stress", "model", "data", "variant", "source")
    with _quoting(requirement):
        return pick.pick(Selection(*(getattr(requirement, name) for name in names)), known)


def check_metric(requirement: Requirement, known: Iterable[Line]) -> None:
    """Raise UsageError with the nearest name unless a metric is known here or in the run."""
    with _quoting(requirement):
        pick.check_metric(requirement.metric, known)


@contextmanager
def _quoting(requirement: Requirement) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise UsageError(f"requirement '{requirement.text}': {error}") from None
