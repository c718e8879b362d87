"""The grammar of spec text, one function a rule."""

from __future__ import annotations

from functools import lru_cache

from roadworthy._spec.cursor import Cursor
from roadworthy._spec.errors import SpecError, short
from roadworthy._spec.lexemes import (
    BARE,
    BARE_PATH,
    CONSTANTS,
    KEYWORD,
    NAME,
    QUOTES,
)
from roadworthy._spec.numbers import number
from roadworthy._spec.quoted import path, quoted
from roadworthy._spec.values import Spec, Sweep, Value

MAX_LENGTH = 10_000

Arguments = tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]


@lru_cache(maxsize=4096)  # reports ask for the same few hundred over and over
def parse(text: str) -> Spec:
    """Read a spec: ``pgd(eps=4/255)``, ``imagefolder:data/val``, ``ensemble(timm/a, timm/b)``.

    Whole numbers are int, ``4/255`` is an exact Fraction, other numbers are float; ``(a, b)`` is a
    tuple, ``[a, b]`` a Sweep, ``1..5`` a Range; a name with ``/``, ``:`` or brackets is a Spec, any
    other word text. At most 10 000 characters and 50 brackets deep. Raises SpecError pointing at
    the first place that cannot be read. ``parse(str(spec)) == spec`` for all it returns.
    """
    if len(text) > MAX_LENGTH:
        raise SpecError(text, MAX_LENGTH + 1, f"a spec has at most {MAX_LENGTH} characters")
    cursor = Cursor(text)
    if not cursor.peek():
        raise cursor.error("empty text; expected a name such as 'pgd' or 'timm/resnet50'")
    spec = _spec(cursor, top=True)
    if cursor.peek():
        raise cursor.error(
            f"expected nothing more after '{short(spec.head)}'{_end_hint(spec, cursor)}"
        )
    if len(str(spec)) > MAX_LENGTH:
        raise SpecError(text, 1, f"a spec, written out, has at most {MAX_LENGTH} characters")
    return spec


def _end_hint(spec: Spec, cursor: Cursor) -> str:
    if cursor.peek() == "=" or not spec.plain or spec.path is not None:
        return ""
    return f"; parameters stand in brackets: {short(spec.name)}(…)"


def _spec(cursor: Cursor, *, top: bool = False) -> Spec:
    name = _name(cursor)
    found = None
    if cursor.peek() == ":":
        if "/" in name:
            raise cursor.error(f"a path follows a single name, not '{short(name)}'")
        cursor.at += 1
        found = path(cursor, top=top)
    args, params = _arguments(cursor) if cursor.peek() == "(" else ((), ())
    return Spec(name, args, params, found)


def _name(cursor: Cursor) -> str:
    parts: list[str] = []
    while not parts or cursor.accept("/"):
        found = cursor.peek() and cursor.take(NAME)
        if not found:
            after = f" after '{short('/'.join(parts))}/'" if parts else ""
            raise cursor.error(
                f"expected a name{after}: a letter, digit or '_', then also '.', '+' and '-' "
                "(other text is quoted)"
            )
        parts.append(found[0])
    return "/".join(parts)


def _arguments(cursor: Cursor) -> Arguments:
    args: list[Value] = []
    params: dict[str, Value] = {}
    cursor.open()
    if cursor.peek() == ")":
        cursor.close(")")
        return (), ()
    while True:
        cursor.peek()
        start = cursor.at
        if found := cursor.take(KEYWORD):
            if found[1] in params:
                raise cursor.error(f"'{short(found[1])}' is given twice", start)
            params[found[1]] = _value(cursor)
        else:
            args.append(_value(cursor))
            _check_positional(cursor, start, named=bool(params))
        if cursor.close(")"):
            return tuple(args), tuple(params.items())


def _check_positional(cursor: Cursor, start: int, *, named: bool) -> None:
    written = short(cursor.text[start : cursor.at].rstrip())
    if cursor.peek() == "=":
        reason = f"{written} is no name of a parameter: letters, digits and '_', no digit first"
        raise cursor.error(reason, start)
    if named:
        raise cursor.error(f"{written} has no name; only values at the front may have none", start)


def _value(cursor: Cursor) -> Value:
    first = cursor.peek()
    if not first:
        raise cursor.error("expected a value, but the text ends")
    if first in QUOTES:
        return quoted(cursor)
    if first == "(":
        return _values(cursor, ")")
    if first == "[":
        return Sweep(_values(cursor, "]"))
    if found := cursor.take(BARE_PATH):
        return found[0]
    read = number(cursor)
    return _word(cursor) if read is None else read


def _values(cursor: Cursor, bracket: str) -> tuple[Value, ...]:
    start = cursor.at
    cursor.open()
    if cursor.peek() == bracket:
        if bracket == "]":
            raise cursor.error("an empty list makes no variant; give at least one value", start)
        cursor.close(bracket)
        return ()
    values = [_value(cursor)]
    while not cursor.close(bracket):
        values.append(_value(cursor))
    return tuple(values)


def _word(cursor: Cursor) -> Value:
    start = cursor.at
    found = cursor.take(BARE)
    if not found:
        raise cursor.error("expected a value (quote text that has other characters)")
    if cursor.peek() and cursor.peek() in "/:(":
        cursor.at = start
        return _spec(cursor)
    cursor.at = found.end()
    return CONSTANTS.get(found[0], found[0])
