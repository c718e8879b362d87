"""How a resolved value is written in canonical text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from roadworthy._binding.coerce import MismatchError, coerce
from roadworthy._binding.describe import is_variadic
from roadworthy._spec.lexemes import CONSTANTS, HEAD
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, format_value


def is_positional(parameter: Parameter) -> bool:
    """Whether a parameter is written without its name: a spec, or all remaining ones."""
    return parameter.type is Spec or is_variadic(parameter)


def written(value: Any, declared: Any) -> Any:
    """Return what to write for ``value``, the simplest that converts back to the very same value.

    ``start=none`` instead of ``start='none'`` where none means that text, ``checkpoint=dir/r.pt``
    instead of quotes, and ``step=2/255`` instead of 0.00784313725490196.
    """
    if isinstance(value, Sweep):
        return Sweep(tuple(written(member, declared) for member in value.values))
    if isinstance(value, Range):
        return Range(written(value.low, declared), written(value.high, declared))
    simpler = _simpler(value)
    try:
        back = coerce(simpler, declared)
    except MismatchError:
        return value
    return simpler if type(back) is type(value) and back == value else value


def _simpler(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_simpler, value))
    if isinstance(value, str):
        if value in CONSTANTS:
            return CONSTANTS[value]
        if "/" in value and HEAD.fullmatch(value) and format_value(Spec(value)) == value:
            return Spec(value)
    if isinstance(value, Spec) and value.plain and value.path is None:
        return value.name if format_value(value.name) == value.name else value
    if isinstance(value, float) and len(repr(value)) > len("0.12345678"):
        near = Fraction(value).limit_denominator(1000)
        if float(near) == value and near.denominator > 1:
            return near
    return value
