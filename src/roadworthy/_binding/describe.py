"""How declared types and mismatches are put into words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, get_args, get_origin

from roadworthy._binding.coerce import members_of
from roadworthy._spec.errors import short
from roadworthy._spec.lexemes import quote
from roadworthy.errors import did_you_mean
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, format_value

_WORDS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "true"),
    int: ("a whole number", "3"),
    float: ("a number", "0.5"),
    Fraction: ("a fraction", "4/255"),
    str: ("text", "NAME"),
    Spec: ("a spec", "NAME"),
    Range: ("a range", "1..5"),
    Sweep: ("a list", "[1, 2]"),
    type(None): ("none", "none"),
    None: ("none", "none"),
}


def expectation(declared: Any) -> str:
    """Say what a type takes: "a number or none", "one of 'Linf', 'L2'"."""
    said = list(dict.fromkeys(_expected(m) for m in members_of(declared)))
    if "a number" in said:  # takes fractions as well
        said = [s for s in said if s not in ("a whole number", "a fraction")]
    return " or ".join(said)


def _expected(declared: Any) -> str:
    if get_origin(declared) is Literal:
        choices = ", ".join(_choice(c) for c in get_args(declared))
        return choices if len(get_args(declared)) == 1 else f"one of {choices}"
    if declared is tuple or get_origin(declared) is tuple:
        parts = get_args(declared)
        if not parts or parts[-1] is Ellipsis:
            inner = f", each {expectation(parts[0])}" if parts else ""
            return f"values in round brackets{inner}"
        return f"{len(parts)} values in round brackets, as in {example(declared)}"
    if declared in _WORDS:
        return _WORDS[declared][0]
    return str(getattr(declared, "__name__", declared))


def _choice(choice: Any) -> str:
    return f"'{choice}'" if isinstance(choice, str) else format_value(choice)


def example(declared: Any) -> str:
    """Return text of a value that the type takes."""
    members = members_of(declared)
    first = Fraction if Fraction in members else members[0]
    parts = get_args(first)
    if get_origin(first) is Literal:
        return format_value(parts[0])
    if get_origin(first) is tuple:
        repeated = [parts[0]] * 2 if parts[-1] is Ellipsis else parts
        return f"({', '.join(map(example, repeated))})"
    return _WORDS.get(first, ("", "VALUE"))[1]


def mismatch(value: Any, declared: Any) -> str:
    """Say what was expected and what was given: "expected a whole number, not 2.5"."""
    given = short(format_value(value))
    members = members_of(declared)
    if isinstance(value, Range | Sweep):
        kind = "a range" if isinstance(value, Range) else "a list of variants"
        return f"expected {expectation(declared)}, not {kind} ({given})"
    said = f"expected {expectation(declared)}, not {_named(value)}"
    choices = [c for m in members if get_origin(m) is Literal for c in get_args(m)]
    if choices:
        return said + did_you_mean(given.strip("'"), [c for c in choices if isinstance(c, str)])
    if str in members and not isinstance(value, tuple | Spec):
        return f"{said}; for text write '{given}' in quotes"
    if bool in members and isinstance(value, str) and value.lower() in ("true", "false"):
        return f"{said}; write {value.lower()}"
    return said


def _named(value: Any) -> str:
    return (
        f"the text {short(quote(value))}" if isinstance(value, str) else short(format_value(value))
    )


def usage(name: str, parameters: tuple[Parameter, ...]) -> str:
    """Return an example call that names every required parameter."""
    given = []
    for p in parameters:
        if p.required:
            text = example(p.type)
            given.append(text.strip("()") if is_variadic(p) else f"{p.name}={text}")
    return f"{name}({', '.join(given)})"


def is_variadic(parameter: Parameter) -> bool:
    """Whether a parameter takes all remaining positional values: ``tuple[Spec, ...]``."""
    return get_origin(parameter.type) is tuple and get_args(parameter.type) == (Spec, ...)
