"""The error of the parser: the user's text, a caret under the place, the reason."""

from __future__ import annotations

import unicodedata

from roadworthy.errors import UsageError

_BEFORE, _AFTER = 60, 30


class SpecError(UsageError):
    """A text that is no spec; ``column`` counts characters from 1.

    The message is the reason, the text (cut to the neighbourhood if it is long) and a caret under
    the column.
    """

    def __init__(self, text: str, column: int, reason: str) -> None:
        # All three go to the base, so that the error survives pickling between processes.
        super().__init__(text, column, reason)
        self.text = text
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        at = self.column - 1
        first, last = max(0, at - _BEFORE), at + _AFTER
        before, after = _printable(self.text[first:at]), _printable(self.text[at:last])
        left = "…" if first > 0 else ""
        right = "…" if last < len(self.text) else ""
        indent = " " * _columns(left + before)
        return f"{self.reason} (column {self.column})\n  {left}{before}{after}{right}\n  {indent}^"


def short(text: str) -> str:
    """Return untrusted text fit for a sentence: printable, and not long."""
    return _printable(text if len(text) <= _BEFORE else f"{text[:_BEFORE]}…")


def _printable(text: str) -> str:
    """Keep control characters of untrusted text away from the terminal, one for one."""
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _columns(text: str) -> int:
    """Count the terminal columns that ``text`` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
