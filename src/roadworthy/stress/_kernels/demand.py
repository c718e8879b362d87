"""Senseless strengths are refused before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError


def within(
    stress: str,
    arguments: Mapping[str, Any],
    name: str,
    low: float,
    high: float,
    *,
    above: bool = False,
) -> None:
    """Raise UsageError unless argument ``name``, if given, is a number from ``low`` to ``high``.

    With ``above`` it must be larger than ``low``. NaN is neither.
    """
    if name not in arguments:
        return
    value = arguments[name]
    if (low < value if above else low <= value) and value <= high:
        return
    least = f"larger than {low:g} and at most {high:g}" if above else f"{low:g} to {high:g}"
    raise UsageError(f"{stress}: {name} is {least}, not {value}")
