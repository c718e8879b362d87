"""Reading ranges, fractions and numbers."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from roadworthy._spec.cursor import Cursor
from roadworthy._spec.errors import short
from roadworthy._spec.lexemes import FRACTION, MAX_BITS, MAX_LEXEME, NUMBER, RANGE
from roadworthy._spec.values import Number, Range


def number(cursor: Cursor) -> Number | Range | None:
    """Read a range, a fraction or a number; None where the text goes on with something else."""
    if found := cursor.take(RANGE):
        low, high = (_end(cursor, found, group) for group in (1, 2))
        if low > high:
            first, last = short(found[1]), short(found[2])
            reason = f"a range goes upwards: {last}..{first}, not {first}..{last}"
            raise cursor.error(reason, found.start())
        return Range(low, high)
    if found := cursor.take(FRACTION):
        return _ratio(cursor, found[1], found[2], at=found.start(), below=found.start(2))
    if found := cursor.take(NUMBER):
        return _single(cursor, found[1], at=found.start())
    return None


def _end(cursor: Cursor, found: re.Match[str], group: int) -> Number:
    above, slash, below = found[group].partition("/")
    start = found.start(group)
    if not slash:
        return _single(cursor, above, at=start)
    at = start + len(above) + 1 + len(below) - len(below.lstrip())
    return _ratio(cursor, above.strip(), below.strip(), at=start, below=at)


def _ratio(cursor: Cursor, above: str, under: str, *, at: int, below: int) -> Number:
    numerator, denominator = _exact(cursor, above, at), _exact(cursor, under, below)
    if denominator == 0:
        raise cursor.error("division by zero", below)
    value = numerator / denominator
    _check_size(cursor, value, at)
    return value.numerator if value.denominator == 1 else value


def _exact(cursor: Cursor, text: str, at: int) -> Fraction:
    exponent = re.split("[eE]", text)[1:] or ["0"]
    if len(text) > MAX_LEXEME or len(exponent[0]) > 5:
        raise cursor.error("this number has too many digits", at)
    return Fraction(text)


def _single(cursor: Cursor, text: str, *, at: int) -> int | float:
    if len(text) > MAX_LEXEME:
        raise cursor.error("this number has too many digits", at)
    if text.lstrip("+-").isdigit():
        _check_size(cursor, int(text), at)
        return int(text)
    if not math.isfinite(float(text)):
        raise cursor.error("this number is too large", at)
    return float(text)


def _check_size(cursor: Cursor, value: int | Fraction, at: int) -> None:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise cursor.error("this number has too many digits", at)
