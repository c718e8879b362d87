"""Content digests of files, remembered by (absolute path, size, modification time)."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

Stamp = tuple[int, int]  # size, mtime_ns

BATCH = 2000  # files hashed between two writes: an interrupted first pass is not lost
FRESH_NS = 2_000_000_000  # a younger file could be rewritten without its time stamp moving

_TABLE = (
    "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size, mtime_ns, digest) WITHOUT ROWID"
)


def cache_folder() -> Path:
    """Return ``$ROADWORTHY_CACHE`` or the platform's cache folder; it need not exist."""
    if own := os.environ.get("ROADWORTHY_CACHE"):
        return Path(own).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "roadworthy" / "Cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/roadworthy").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "roadworthy"


def content_digest(path: str | os.PathLike[str]) -> str | None:
    """Return the digest of one file, see ``content_digests``."""
    return content_digests([path])[0]


def content_digests(paths: Iterable[str | os.PathLike[str]]) -> list[str | None]:
    """Return a 32-character BLAKE2b digest of the bytes of each file; None where it cannot be read.

    Digests are kept in one SQLite file in the cache folder and reused while size and modification
    time stay. A cache that is missing, unwritable, locked or damaged only costs the hashing.
    """
    full = [os.path.abspath(path) for path in paths]
    stamps = [_stamp(path) for path in full]
    known = _recall([path for path, stamp in zip(full, stamps, strict=True) if stamp])
    todo: dict[str, Stamp] = {}
    for path, stamp in zip(full, stamps, strict=True):
        if stamp and known.get(path, ("", None))[1] != stamp:
            todo[path] = stamp
    fresh: dict[str, str | None] = {}
    names = list(todo)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            fresh.update(zip(batch, pool.map(_hash, batch), strict=True))
            _keep([(path, todo[path], fresh[path]) for path in batch])
    return [
        None if stamp is None else fresh[path] if path in fresh else known[path][0]
        for path, stamp in zip(full, stamps, strict=True)
    ]


def _stamp(path: str) -> Stamp | None:
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return None
    return (info.st_size, info.st_mtime_ns) if stat.S_ISREG(info.st_mode) else None


def _hash(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except (OSError, ValueError):
        return None


def _connect() -> sqlite3.Connection:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "digests.sqlite", timeout=10)
    try:
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _recall(paths: Sequence[str]) -> Mapping[str, tuple[str, Stamp]]:
    found: dict[str, tuple[str, Stamp]] = {}
    query = "SELECT digest, size, mtime_ns FROM files WHERE path = ?"
    try:
        with closing(_connect()) as connection:
            connection.execute("BEGIN")  # one lock for all, not one a file
            for path in paths:
                if row := connection.execute(query, (os.fsencode(path),)).fetchone():
                    found[path] = (row[0], (row[1], row[2]))
    except sqlite3.OperationalError:  # locked, read-only, no space: still a sound cache
        pass
    except sqlite3.DatabaseError:  # not a database, or damaged: put aside, or it would stay slow
        with suppress(OSError):
            damaged = cache_folder() / "digests.sqlite"
            os.replace(damaged, damaged.with_suffix(".damaged"))
        return {}
    except OSError:
        pass
    return {path: row for path, row in found.items() if _is_digest(row[0])}


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and len(text) == 32


def _keep(rows: Sequence[tuple[str, Stamp, str | None]]) -> None:
    newest = time.time_ns() - FRESH_NS
    values = [(os.fsencode(p), *s, d) for p, s, d in rows if d is not None and s[1] < newest]
    if not values:
        return
    with suppress(sqlite3.Error, OSError), closing(_connect()) as connection, connection:
        connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", values)
