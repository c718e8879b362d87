"""Reading quoted text, and the paths that need no quotes."""

from __future__ import annotations

from roadworthy._spec.cursor import Cursor
from roadworthy._spec.lexemes import BRACKETS_AND_QUOTED, ESCAPE, LETTERS, NESTED_PATH, QUOTES


def quoted(cursor: Cursor) -> str:
    """Read quoted text; its escapes are those of Python, without octal and named ones."""
    start, mark = cursor.at, cursor.text[cursor.at]
    cursor.at += 1
    parts: list[str] = []
    while (character := cursor.text[cursor.at : cursor.at + 1]) != mark:
        if not character:
            raise cursor.error("this quote is never closed", start)
        if character == "\\":
            parts.append(_escaped(cursor))
        else:
            parts.append(character)
            cursor.at += 1
    cursor.at += 1
    return "".join(parts)


def _escaped(cursor: Cursor) -> str:
    at = cursor.at
    found = cursor.take(ESCAPE)
    if not found:
        raise cursor.error(r"unknown escape; write \\ for a backslash")
    code = found[1] or found[2] or found[3]
    if not code:
        return LETTERS.get(found[4], found[4])
    if int(code, 16) > 0x10FFFF:
        raise cursor.error("there is no such character", at)
    return chr(int(code, 16))


def path(cursor: Cursor, *, top: bool) -> str:
    """Read the path after ``name:``; inside brackets a bare one ends at a comma or a bracket."""
    start = cursor.at
    if cursor.peek() in QUOTES:
        found = quoted(cursor)
    else:
        begin = cursor.at
        cursor.at = _path_end(cursor) if top else _nested_end(cursor)
        found = cursor.text[begin : cursor.at].rstrip()
    if not found:
        raise cursor.error("expected a path after ':'", start)
    return found


def _path_end(cursor: Cursor) -> int:
    """Find where a bare path ends: at the end, or at a "(" whose ")" is the last character."""
    text, at = cursor.text, cursor.at
    stop = len(text.rstrip())
    while at < stop:
        if text[at] == ")":
            raise cursor.error("this ')' closes nothing; quote the path if it belongs to it", at)
        if text[at] == "(":
            close = _closing(text, at)
            if close is None:
                reason = "this '(' is never closed; quote the path if it belongs to it"
                raise cursor.error(reason, at)
            if close == stop - 1:
                return at
            at = close
        at += 1
    return stop


def _closing(text: str, at: int) -> int | None:
    depth = 0
    for found in BRACKETS_AND_QUOTED.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.start()
    return None


def _nested_end(cursor: Cursor) -> int:
    found = NESTED_PATH.match(cursor.text, cursor.at)
    return found.end() if found else cursor.at
