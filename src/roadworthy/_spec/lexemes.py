"""The smallest parts of spec text, and how text and numbers are written so that they read back."""

from __future__ import annotations

import re
from fractions import Fraction

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "none": None}

QUOTES = ("'", '"')

MAX_LEXEME = 4000
"""Characters in one number; below the length at which Python refuses to convert."""

MAX_BITS = 10_000
"""Size of a whole number, so that whatever was read can be written and read again."""

# [0-9] and not \d, which takes digits of every script. No part can match the same text in two ways,
# so that hostile text costs no backtracking.
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_END_OF_RANGE = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?:\s*/\s*[+-]?[0-9]+)?"
# What follows a number decides whether it is one: "4/n.pt", "3(…)" and "2:x" begin a name.
_BOUNDARY = r"(?![A-Za-z0-9_.+-])(?!\s*[/:(])"

SPACE = re.compile(r"\s*")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
HEAD = re.compile(rf"{NAME.pattern}(?:/{NAME.pattern})*")
BARE = re.compile(r"[A-Za-z0-9_.+-]+")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEYWORD = re.compile(rf"({KEY.pattern})\s*=")
NUMBER = re.compile(rf"({_NUMBER}){_BOUNDARY}")
FRACTION = re.compile(rf"({_NUMBER})\s*/\s*({_NUMBER}){_BOUNDARY}")
RANGE = re.compile(rf"({_END_OF_RANGE})\s*\.\.\s*({_END_OF_RANGE}){_BOUNDARY}")
BARE_PATH = re.compile(r"(?:/|\./|\.\./|~/)[^\s,)\]]*")
NESTED_PATH = re.compile(r"[^,()\]]*")
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\\'\"ntr]))")
BRACKETS_AND_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[()]", re.DOTALL)

LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
_ESCAPED = {text: letter for letter, text in LETTERS.items()}


def quote(text: str) -> str:
    """Return ``text`` in quotes, with escapes for what does not print."""
    mark = '"' if "'" in text and '"' not in text else "'"
    return mark + "".join(_escape(c, mark) for c in text) + mark


def _escape(character: str, mark: str) -> str:
    if character in (mark, "\\"):
        return "\\" + character
    if character.isprintable():
        return character
    if character in _ESCAPED:
        return "\\" + _ESCAPED[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def text_of(text: str) -> str:
    """Return text as a value: bare where it reads back as the same text, else quoted."""
    misread = text in CONSTANTS or NUMBER.fullmatch(text) or RANGE.fullmatch(text)
    return text if BARE.fullmatch(text) and not misread else quote(text)


def path_of(path: str) -> str:
    """Return a path as it follows ``name:``: bare where it reads back anywhere, else quoted."""
    plain = path.isprintable() and path == path.strip() and path[:1] not in QUOTES
    return path if plain and not any(c in path for c in ",()[]") else quote(path)


def number_of(value: int | float | Fraction) -> str:
    """Return a number exactly; fractions of 255 keep that denominator: ``3/255``, not ``1/85``."""
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    numerator, denominator = value.numerator, value.denominator
    if denominator == 1:
        return str(numerator)
    if denominator in (17, 51, 85):
        numerator, denominator = numerator * (255 // denominator), 255
    return f"{numerator}/{denominator}"
