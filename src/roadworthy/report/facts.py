"""Provenance as pairs of a name and a text, from whatever a run wrote down."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from roadworthy.report.names import clean_text


def facts(entry: Any, keys: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Return a dictionary as (name, text) pairs for a definition list; nested ones in one text."""
    if not isinstance(entry, Mapping):
        return []
    chosen = entry if keys is None else [key for key in keys if key in entry]
    return [
        (clean_text(key).replace("_", " "), _told(key, entry[key]))
        for key in chosen
        if entry[key] not in (None, "", [], {})
    ]


def _told(key: str, value: Any) -> str:
    if key == "command" and isinstance(value, list | tuple):
        return clean_text(shlex.join(map(str, value)), limit=20_000)  # to be given again
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{clean_text(k)} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(item, str) for item in value) else " "
        return between.join(_plain(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:,}".replace(",", " ")
    return clean_text(value)
