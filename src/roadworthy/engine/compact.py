"""Compaction: the finished parts of one request become one file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roadworthy.engine.files import write_whole
from roadworthy.engine.parts import COLUMNS, Part, sealed
from roadworthy.engine.store import Store
from roadworthy.errors import RoadworthyError
from roadworthy.seed import digest

MOST_PARTS = 8
"""So many files of one request are left as they are."""


def compact(store: Store, requests: Iterable[str], *, most: int = MOST_PARTS) -> list[Path]:
    """Join the parts of each request that has more than ``most``; returns the files written.

    The new file is there whole before any part is removed, and lists what it holds, so that a crash
    between the two counts nothing twice. Its name and bytes follow from the parts alone: two
    processes that compact the same parts write the same file. Parts that cannot be read are left.
    """
    written = []
    by_request: dict[str, list[Part]] = {request: [] for request in requests}
    good, _ = store.parts()
    for part in good:
        if part.request in by_request:
            by_request[part.request].append(part)
    for request, parts in by_request.items():
        if len(parts) > most:
            path = _joined(store, request, parts)
            if path is not None:
                written.append(path)
    _remove_covered(store)
    return written


_OF_FILE = ("request", "columns", "same", "standing", "crc32")
"""What a footer says of the file as a whole."""


def _joined(store: Store, request: str, parts: list[Part]) -> Path | None:
    parts = sorted(parts, key=lambda part: part.path.name)
    try:
        # in one order for all requests, so that those of the same images say so
        rows = store.rows_of(parts).collect().sort("sample", "content", maintain_order=True)
    except Exception:  # somebody else has just compacted them; then there is nothing to do
        if all(part.path.exists() for part in parts):
            raise
        return None
    keys = sorted({key for part in parts for key in part.keys})
    name = digest(request, *(f"{key}@{sequence}" for key, sequence in keys))
    path = store.path_of(name)
    about = {
        "key": name,
        "request": request,
        "sequence": max(part.sequence for part in parts),
        "samples": rows.select("sample", "content").n_unique(),
        "columns": COLUMNS,
        **_members(parts),
    }
    write_whole(path, sealed(rows, about))
    return path


def _members(parts: list[Part]) -> dict[str, Any]:
    """Return what each part said of itself; versions, which are long and mostly equal, once."""
    known: list[Any] = []
    members = {}
    for part in parts:
        for member in part.members:
            versions = member["versions"]
            if isinstance(versions, int):
                versions = part.footer["versions"][versions]
            if versions not in known:
                known.append(versions)
            kept = {k: v for k, v in member.items() if k not in _OF_FILE}
            members[member["key"], member["sequence"]] = kept | {"versions": known.index(versions)}
    return {"parts": [members[key] for key in sorted(members)], "versions": known}


def _remove_covered(store: Store) -> None:
    """Remove the parts that a compacted file holds, also those that a crash left behind."""
    for part in store.covered():
        try:
            part.path.unlink(missing_ok=True)
        except OSError as error:
            raise RoadworthyError(
                f"cannot remove '{part.path}', which was joined with others: "
                f"{error.strerror or error}; nothing is lost"
            ) from error
