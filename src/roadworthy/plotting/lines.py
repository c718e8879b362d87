"""Names in lines that fit where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

_PARTS = re.compile(r"\(?[^\s,(]*[,(]?\s*")


def wrapped(names: Sequence[str], width: int = 26) -> list[str]:
    """Return names in lines of at most ``width`` letters, of which Chinese ones are two.

    They are broken behind blanks, commas and brackets, as specs have them; a longer word anywhere.
    """
    return ["\n".join(_lines(name, width)) for name in names]


def longest(texts: Sequence[str]) -> int:
    """Return the letters of the longest line."""
    return max((cell_len(line) for text in texts for line in text.split("\n")), default=0)


def _lines(name: str, width: int) -> Iterator[str]:
    line = ""
    for part in _PARTS.findall(name):
        if line and cell_len(line + part.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += part
        if cell_len(line.rstrip()) > width:
            *full, line = chop_cells(line, width)
            yield from full
    yield line.rstrip()
