"""Suites that come in budgets: what may be given to them, and the stresses that follow."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from roadworthy.registry import Parameter
from roadworthy.spec import Spec, Sweep, format_value, parse
from roadworthy.suites.base import Suite

BUDGET = "budget"
DEFAULT = "default"
"""The value of a setting that leaves it as the budget has it; ``target=none`` means untargeted."""

TYPES: dict[str, Any] = {"eps": float | Fraction | Literal["default"], "target": str | None}


def parameters_of_budgets(suite: Suite) -> tuple[Parameter, ...]:
    """Return the parameters of a suite with budgets: which one, and its settings."""
    names = dict.fromkeys(name for one in suite.budgets.values() for name in one.settings)
    chosen = Literal[tuple(suite.budgets)]  # type: ignore[valid-type]
    first = next(iter(suite.budgets))
    return (
        Parameter(BUDGET, chosen, first),
        *(Parameter(name, TYPES[name], DEFAULT) for name in names),
    )


def members_of_budget(suite: Suite, values: Mapping[str, Any]) -> list[Spec]:
    """Return the specs of the stresses, each once for every value of a setting that has several."""
    budget = suite.budgets[values[BUDGET]]
    given = {name: values[name] for name in budget.settings if values[name] != DEFAULT}
    settings = {name: _read(text) for name, text in budget.settings.items()} | given
    filled: list[dict[str, str]] = [{}]
    for name, value in settings.items():
        choices = value.values if isinstance(value, Sweep) else (value,)
        filled = [{**one, name: format_value(v)} for one in filled for v in choices]
    texts = [_filled(text, one) for text in budget.stresses for one in filled]
    return [parse(text) for text in dict.fromkeys(texts)]


def _read(text: str) -> Any:
    """Return a value from its text, as it would stand in a spec."""
    return dict(parse(f"suite(value={text})").params)["value"]


def _filled(text: str, settings: Mapping[str, str]) -> str:
    for name, value in settings.items():
        text = text.replace(f"{{{name}}}", value)
    return text
