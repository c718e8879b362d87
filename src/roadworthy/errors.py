"""Errors that a user can act on, and the exit codes they end in."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_DONE = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_FAILED_SAMPLES = 3
EXIT_REQUIREMENT_FAILED = 4
EXIT_UNDECIDED = 5
EXIT_INTERRUPTED = 130


class RoadworthyError(Exception):
    """Something went wrong that the user can act on: names the input, what was expected, what to do."""

    exit_code = EXIT_ERROR


class UsageError(RoadworthyError):
    """The request itself cannot be run: a misspelt name, a wrong value, data that do not fit."""

    exit_code = EXIT_USAGE


class InapplicableError(UsageError):
    """A well-formed request that cannot be met here: a package is missing, or nothing to apply it to.

    Among other things asked for, it becomes an ``n/a`` row with this text as reason.
    """


class FetchError(RoadworthyError):
    """Published weights cannot be fetched: a member of a list of models is then left out."""


class MissingPackageError(InapplicableError):
    """What was asked for needs a package that is not installed, or that cannot be imported here."""


class SampleError(RoadworthyError):
    """One image cannot be used; it becomes one row with status ``failed`` and this text as reason."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or an empty text."""
    lowered = {k.lower(): k for k in known}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean '{lowered[near[0]]}'?" if near else ""
