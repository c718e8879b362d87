"""What is wrong with the parameters that all decision-based attacks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._attacks.queries import check_queries


def check_decisions(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise UsageError for budgets, steps and ends of the attack ``name`` that mean nothing."""
    check_queries(name, arguments)
    if arguments["queries"] < 2:
        raise UsageError(
            f"{name}: queries must be at least 2, one to find something and one to look at it again, "
            f"not {arguments['queries']}"
        )
    for key in ("steps", "tries"):
        if arguments[key] < 1:
            raise UsageError(f"{name}: {key} must be at least 1, not {arguments[key]}")
    if not 0 <= arguments["stop"] < float("inf"):
        raise UsageError(
            f"{name}: stop is the size of a change that is small enough, 0 or larger, "
            f"not {arguments['stop']}"
        )
