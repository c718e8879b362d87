"""Pools whose frames are rounded up to the next whole window, or down."""

from __future__ import annotations

from functools import partial
from typing import Any

from roadworthy.models.alterations.base import argument, rerouted
from roadworthy.models.classifier import TorchClassifier

PLACES = {
    **{f"max_pool{n}d": 5 for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": 5 for n in (1, 2, 3)},
    **{f"avg_pool{n}d": 4 for n in (1, 2, 3)},
    **{f"lp_pool{n}d": 4 for n in (1, 2, 3)},
}
"""Which argument of a pool says how its frame is rounded."""


def pools_rounded(model: TorchClassifier, *, up: bool) -> TorchClassifier:
    """Return ``model`` with every pool over windows giving ceil((W - K + 2 P) / S) + 1 columns.

    Or floor(…) + 1 where not ``up``. Windows that would begin in the padding at the end are left
    out, and averages are over what is there, as torch has it.
    """
    return rerouted(model, partial(_route, up=up), "ceil_mode" if up else "floor_mode")


def _route(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, up: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    place = PLACES.get(name)
    return (args, kwargs) if place is None else argument(args, kwargs, place, "ceil_mode", up)
