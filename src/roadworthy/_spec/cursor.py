"""Where the parser stands in the text."""

from __future__ import annotations

import re

from roadworthy._spec.errors import SpecError
from roadworthy._spec.lexemes import SPACE

MAX_DEPTH = 50


class Cursor:
    """A position in a text; ``opened`` are the positions of the brackets it is inside of."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.opened: list[int] = []

    def error(self, reason: str, at: int | None = None) -> SpecError:
        """Return the error that points at ``at``, or at the current position."""
        return SpecError(self.text, (self.at if at is None else at) + 1, reason)

    def peek(self) -> str:
        """Skip white space and return the next character, or an empty text at the end."""
        found = SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def accept(self, character: str) -> bool:
        """Skip white space, and step over ``character`` if it is next."""
        if self.peek() != character:
            return False
        self.at += 1
        return True

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over ``pattern`` if the text goes on with it."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def open(self) -> None:
        """Step over an opening bracket."""
        self.opened.append(self.at)
        if len(self.opened) > MAX_DEPTH:
            raise self.error(f"brackets nest deeper than {MAX_DEPTH}")
        self.at += 1

    def close(self, bracket: str) -> bool:
        """Step over ``,`` or the closing ``bracket`` and return whether it was the latter."""
        if self.accept(bracket):
            self.opened.pop()
            return True
        if self.accept(","):
            return False
        if not self.peek():
            start = self.opened[-1]
            raise self.error(f"this '{self.text[start]}' is never closed", start)
        raise self.error(f"expected ',' or '{bracket}' (quote text that has other characters)")
