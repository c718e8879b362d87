"""From a spec to the arguments of what it names, and to the one text that means the same."""

from __future__ import annotations

from typing import Any

from roadworthy._binding.canonical import is_positional, written
from roadworthy._binding.coerce import MismatchError, coerce, members_of
from roadworthy._binding.describe import is_variadic, mismatch, usage
from roadworthy._binding.encode import encode, resolved_digest
from roadworthy._spec.errors import short
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, format_value

__all__ = ["bind", "canonical", "resolved_digest"]


def bind(
    spec: Spec,
    parameters: tuple[Parameter, ...],
    *,
    kind: str,
    sweep: frozenset[str] = frozenset(),
    extra: bool = False,
) -> dict[str, Any]:
    """Resolve what a spec gives against declared ``parameters``; return all, defaults included.

    Values without a name fill the parameters in declaration order; one of type ``tuple[Spec, ...]``
    takes all that remain. Values get the declared type. Parameters in ``sweep`` also take a range
    or a list, whose members are converted one by one. With ``extra``, unknown keywords are kept as
    they are. ``kind`` names the item in messages ("stress 'pgd'"). Raises UsageError for a value
    that does not fit, an unknown parameter (with the nearest name) and a missing one.
    """
    label = kind if "'" in kind else f"{kind} '{spec.name}'"
    declared = {p.name: p for p in parameters}
    values: dict[str, Any] = {}
    for key, value in _named(spec, parameters, label):
        if key in values:
            raise UsageError(f"{label}: '{key}' is given twice, by position and by name")
        if key not in declared and not extra:
            near = did_you_mean(key, declared)
            raise UsageError(f"{label} has no parameter '{key}'{near}{_listing(parameters)}")
        values[key] = value
        if key in declared:
            values[key] = _converted(value, declared[key], label, swept=key in sweep)
    for p in parameters:
        if p.name not in values and p.required:
            example = usage(spec.head, parameters)
            raise UsageError(f"{label} needs '{p.name}', for example {example}")
    resolved = {p.name: values.pop(p.name) if p.name in values else _default(p) for p in parameters}
    return {**resolved, **values}


def canonical(
    spec: Spec,
    parameters: tuple[Parameter, ...],
    *,
    kind: str = "item",
    sweep: frozenset[str] = frozenset(),
    extra: bool = False,
) -> Spec:
    """Return the spec that everyone writes alike: by name, in declaration order, no defaults.

    Parameters that are specs themselves stay positional (``ensemble(timm/a, timm/b)``). Undeclared
    keywords follow in alphabetical order. Raises what `bind` raises.
    """
    values = bind(spec, parameters, kind=kind, sweep=sweep, extra=extra)
    args: list[Any] = []
    params: list[tuple[str, Any]] = []
    gap = False
    for p in parameters:
        value = values.pop(p.name)
        if not p.required and encode(value) == encode(_default(p)):
            gap = True
            continue
        text = written(value, p.type)
        if gap or params or not is_positional(p) or isinstance(value, Sweep):
            params.append((p.name, text))
        else:
            args.extend(text if is_variadic(p) else [text])
    return Spec(spec.name, tuple(args), (*params, *sorted(values.items())), spec.path)


def _named(spec: Spec, parameters: tuple[Parameter, ...], label: str) -> list[tuple[str, Any]]:
    """Give every positional value the name of the parameter that it fills."""
    named: list[tuple[str, Any]] = []
    rest = list(spec.args)
    for p in parameters:
        if not rest:
            break
        if is_variadic(p) and not (len(rest) == 1 and isinstance(rest[0], tuple)):
            named.append((p.name, tuple(rest)))
            rest = []
        else:
            named.append((p.name, rest.pop(0)))
    if rest:
        hint = ""
        if spec.path is not None:
            hint = f'; if the brackets belong to the path, quote it: {spec.name}:"…"'
        surplus = short(format_value(rest[0]))
        raise UsageError(f"{label}: {surplus} is one value too many{hint}{_listing(parameters)}")
    return [*named, *spec.params]


def _converted(value: Any, parameter: Parameter, label: str, *, swept: bool) -> Any:
    def one(member: Any) -> Any:
        try:
            return coerce(member, parameter.type)
        except MismatchError:
            given = f"{parameter.name}={short(format_value(member))}"
            raise UsageError(f"{label}: {given}: {mismatch(member, parameter.type)}") from None

    if swept and isinstance(value, Sweep):
        return Sweep(tuple(map(one, value.values)))
    if swept and isinstance(value, Range) and Range not in members_of(parameter.type):
        return Range(one(value.low), one(value.high))
    return one(value)


def _default(parameter: Parameter) -> Any:
    try:
        return coerce(parameter.default, parameter.type)
    except MismatchError:
        return parameter.default


def _listing(parameters: tuple[Parameter, ...]) -> str:
    names = ", ".join(p.name for p in parameters)
    return f" (it takes {names})" if names else " (it takes none)"
