"""Writing what is exported."""

from __future__ import annotations

from pathlib import Path

from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.exporting.card import MARK


def write(path: Path, data: bytes) -> Path:
    """Write a file in one step, its folder too, and return its path.

    Raises RoadworthyError naming the file where that cannot be done.
    """
    if path.is_dir():
        raise RoadworthyError(f"cannot write '{path}': it is a folder; give a file with -o")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        of_file = isinstance(error, FileExistsError | NotADirectoryError)
        reason = f"'{path.parent}' is a file" if of_file else error.strerror or error
        raise RoadworthyError(
            f"cannot write '{path}': {reason}; give another place with -o"
        ) from error
    write_whole(path, data)
    return path


def write_card(path: Path, text: str) -> Path:
    """Write a section of a model card; raises UsageError rather than replace a card of the user's."""
    if path.exists() and MARK not in _read(path):
        raise UsageError(
            f"'{path}' is a card of its own, which is not replaced: write to another file and "
            f"paste the section in"
        )
    return write(path, text.encode())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
