"""Files that are there whole or not at all, and what writers that died left behind."""

from __future__ import annotations

import errno
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from roadworthy.errors import RoadworthyError
from roadworthy.seed import digest

_TEMPORARY = re.compile(r"\.tmp-(\d+)-(?:([0-9a-f]{8})-)?")
FOREIGN_AGE_SECONDS = 24 * 3600
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE}


def write_whole(
    path: Path, data: bytes, *, before_naming: Callable[[], None] | None = None
) -> None:
    """Write ``data`` under a temporary name in the same folder, then rename it to ``path``.

    The folder of ``path`` is made, its parent must exist: an output folder that vanished is an
    error and not made anew half-full. Raises RoadworthyError naming the file and the reason.
    """
    temporary = path.with_name(f".tmp-{os.getpid()}-{_host()}-{path.name}")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.write_bytes(data)
        if before_naming is not None:
            before_naming()
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # a disk that refuses this as well: the next start removes it
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RoadworthyError:
    """Return the error for a file of a run that cannot be written."""
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        reason = "its folder has vanished"
    return RoadworthyError(
        f"cannot write '{path}': {reason}; what was finished before is kept, and the same command "
        f"goes on once that is put right"
    )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk under ``folder`` refuses into a RoadworthyError; others pass through."""
    try:
        yield
    except OSError as error:
        name = str(error.filename or "")
        if error.errno in DISK or name.startswith(str(folder)):
            raise cannot_write(Path(name or folder), error) from error
        raise


def sweep(folders: Iterable[Path]) -> list[Path]:
    """Remove temporary files of dead processes from ``folders``; returns what was removed.

    A file of another machine is left alone for a day, since its process cannot be asked for.
    """
    removed = []
    for folder in folders:
        for path in folder.glob(".tmp-*"):
            if _abandoned(path):
                try:
                    path.unlink()
                except OSError:
                    continue
                removed.append(path)
    return removed


def alive(pid: int) -> bool:
    """Whether a process of this machine exists and has not ended."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    # Where nobody asks how orphans ended, as in many containers, they stay in the list for good.
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1]
    except OSError:
        return True  # no Linux, or not ours to look at
    return state != [b"Z"]


def _abandoned(path: Path) -> bool:
    found = _TEMPORARY.match(path.name)
    if found is None:
        return False
    pid, host = int(found[1]), found[2]
    if host in (None, _host()):
        return not alive(pid)
    try:
        return time.time() - path.stat().st_mtime > FOREIGN_AGE_SECONDS
    except OSError:
        return False


@cache
def _host() -> str:
    return digest(socket.gethostname(), size=4)
