"""What a spec consists of: values, ranges, sweeps, and specs themselves, each with its text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, Union

from roadworthy._spec.lexemes import (
    FRACTION,
    HEAD,
    KEY,
    MAX_BITS,
    RANGE,
    number_of,
    path_of,
    text_of,
)
from roadworthy.errors import UsageError

Number: TypeAlias = int | float | Fraction
Value: TypeAlias = Union[
    bool, int, float, Fraction, str, "Range", "Sweep", "Spec", tuple["Value", ...], None
]


@dataclass(frozen=True)
class Range:
    """All values from ``low`` to ``high``, both included: ``1..5``.

    Raises UsageError where an end is no number or ``low`` is above ``high``.
    """

    low: Number
    high: Number

    def __post_init__(self) -> None:
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float | Fraction):
                raise UsageError(f"a range goes from number to number, as in 1..5, not to {end!r}")
            check_value(end)
        if self.low > self.high:
            raise UsageError(f"a range goes upwards: {self.high}..{self.low}, not {self}")

    def __str__(self) -> str:
        return f"{number_of(self.low)}..{number_of(self.high)}"


@dataclass(frozen=True)
class Sweep:
    """One variant for each of ``values``: ``[a, b]``, where a tuple ``(a, b)`` is one value.

    Raises UsageError where there are no values.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise UsageError("an empty list [] makes no variant; give at least one value")
        check_value(self.values)

    def __str__(self) -> str:
        return f"[{', '.join(map(format_value, self.values))}]"


class Params(tuple[tuple[str, Value], ...]):
    """Parameters in the order written: pairs, which can also be looked up by name."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """Return the value of a parameter by name, or a pair by position."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        for name, value in self:
            if name == key:
                return value
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a parameter, or ``default`` where it is not given."""
        return next((value for name, value in self if name == key), default)

    def keys(self) -> list[str]:
        """Return the names, in the order written."""
        return [name for name, _ in self]


@dataclass(frozen=True)
class Spec:
    """The name of a model, data set, stress, suite or metric, with what it is given.

    ``name`` may have several parts (``timm/resnet50.a1_in1k``); ``path`` is what follows
    ``name:`` and None where there is none; ``params`` are pairs in the order written, also found by
    name (``spec.params["eps"]``). ``str`` gives text
    that `roadworthy.spec.parse` reads as an equal spec. Raises UsageError for what has no text.
    """

    name: str
    args: tuple[Value, ...] = ()
    params: tuple[tuple[str, Value], ...] = ()
    path: str | None = None

    def __post_init__(self) -> None:
        if not HEAD.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is no name of an item; expected one such as 'timm/resnet50'"
            )
        if self.path is not None and (not self.path or "/" in self.name):
            raise UsageError(f"'{self.name}:{self.path}': a path follows a single name and ':'")
        object.__setattr__(self, "params", Params(self.params))
        keys = [key for key, _ in self.params]
        for key in keys:
            if not KEY.fullmatch(key) or keys.count(key) > 1:
                raise UsageError(f"{self.name}: {key!r} is no parameter name, or is given twice")
        for value in (*self.args, *(value for _, value in self.params)):
            check_value(value)

    def __str__(self) -> str:
        given = [format_value(a) for a in self.args]
        given += [f"{key}={format_value(value)}" for key, value in self.params]
        return f"{self.head}({', '.join(given)})" if given else self.head

    @property
    def head(self) -> str:
        """The text before the parameters: ``timm/resnet50``, ``imagefolder:data/val``."""
        return self.name if self.path is None else f"{self.name}:{path_of(self.path)}"

    @property
    def plain(self) -> bool:
        """Whether nothing is given in brackets."""
        return not self.args and not self.params


def format_value(value: Value) -> str:
    """Return the text of a value as it stands inside brackets; raises UsageError if it has none."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float() | Fraction():
            check_value(value)
            return number_of(value)
        case str():
            return text_of(value)
        case tuple():
            return f"({', '.join(map(format_value, value))})"
        case Range() | Sweep():
            return str(value)
        case Spec():
            # A name alone would read back as text, and 4/255 as a number.
            alone = value.plain and value.path is None
            return f"{value}()" if alone and not _reads_as_name(value.name) else str(value)
    raise UsageError(f"{value!r} cannot be written in a spec")


def _reads_as_name(name: str) -> bool:
    return "/" in name and not FRACTION.fullmatch(name) and not RANGE.fullmatch(name)


def check_value(value: object) -> None:
    """Raise UsageError unless ``value`` can be written in a spec and read back."""
    match value:
        case None | bool() | str() | Range() | Sweep() | Spec():
            return
        case int() | Fraction():
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
                raise UsageError("a number in a spec has at most 3000 digits")
        case float():
            if not math.isfinite(value):
                raise UsageError(f"{value} is no number that a spec can hold")
        case tuple():
            for member in value:
                check_value(member)
        case _:
            raise UsageError(f"{value!r} cannot be written in a spec")
