"""From a value as written to the type that a parameter declares."""

from __future__ import annotations

import types
from fractions import Fraction
from inspect import Parameter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from roadworthy.errors import UsageError
from roadworthy.spec import Spec, SpecError, format_value, parse


class MismatchError(Exception):
    """A value that the declared type does not take; never leaves the binding."""


def members_of(declared: Any) -> tuple[Any, ...]:
    """Return the members of a union, nested ones included, or the type itself."""
    if get_origin(declared) is Annotated:
        return members_of(get_args(declared)[0])
    if get_origin(declared) in (Union, types.UnionType):
        return tuple(m for part in get_args(declared) for m in members_of(part))
    return (declared,)


def coerce(value: Any, declared: Any) -> Any:
    """Return ``value`` as the ``declared`` type wants it, or raise MismatchError.

    Of a union, the member that takes the value unchanged is preferred, then the first that fits:
    ``float | Fraction`` leaves 4/255 exact, ``float | None`` does not.
    """
    fitting = []
    for member in members_of(declared):
        try:
            result = _coerce_one(value, member)
        except MismatchError:
            continue
        if type(result) is type(value) and result == value:
            return result
        fitting.append(result)
    if not fitting:
        raise MismatchError
    return fitting[0]


def _coerce_one(value: Any, declared: Any) -> Any:
    if declared in (Any, Parameter.empty, object):
        return value
    if declared in (None, type(None)):
        return _accept(value, value is None)
    if get_origin(declared) is Literal:
        return _literal(value, get_args(declared))
    if declared is tuple or get_origin(declared) is tuple:
        return _tuple(value, get_args(declared))
    if declared in _SCALARS:
        return _SCALARS[declared](value)
    return _accept(value, isinstance(declared, type) and isinstance(value, declared))


def _accept(value: Any, fits: bool) -> Any:
    if not fits:
        raise MismatchError
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _int(value: Any) -> int:
    return int(_accept(value, _is_whole(value)))


def _float(value: Any) -> float:
    _accept(value, _is_whole(value) or isinstance(value, float | Fraction))
    try:
        return float(value)
    except OverflowError:
        raise MismatchError from None


def _fraction(value: Any) -> Fraction:
    if isinstance(value, float):
        return Fraction(repr(float(value)))  # 0.1 means a tenth, as written
    return Fraction(_accept(value, _is_whole(value) or isinstance(value, Fraction)))


def _text(value: Any) -> str:
    if isinstance(value, Spec) and value.plain:  # dir/r.pt, C:/r.pt, https://…
        return value.name if value.path is None else f"{value.name}:{value.path}"
    if value is None or isinstance(value, bool):
        return format_value(value)
    return str(_accept(value, isinstance(value, str)))


def _spec(value: Any) -> Spec:
    if isinstance(value, str):
        try:
            return parse(value)
        except SpecError:
            raise MismatchError from None
    accepted: Spec = _accept(value, isinstance(value, Spec))
    return accepted


def _literal(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    try:
        written = _text(value) if isinstance(value, Spec) else format_value(value)
    except UsageError:
        raise MismatchError from None
    return _accept(written, written in choices)


def _tuple(value: Any, declared: tuple[Any, ...]) -> tuple[Any, ...]:
    _accept(value, isinstance(value, tuple))
    if not declared:
        return tuple(value)
    if declared[-1] is Ellipsis:
        return tuple(coerce(member, declared[0]) for member in value)
    _accept(value, len(value) == len(declared))
    return tuple(coerce(m, d) for m, d in zip(value, declared, strict=True))


_SCALARS: dict[Any, Any] = {
    bool: lambda value: _accept(value, isinstance(value, bool)),
    int: _int,
    float: _float,
    Fraction: _fraction,
    str: _text,
    Spec: _spec,
}
