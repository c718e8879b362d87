"""The file of an exported program, before anything in it is looked at."""

from __future__ import annotations

import os
from pathlib import Path

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.seed import digest


def program_file(path: str, *, kind: str, example: str) -> tuple[Path, str]:
    """Return the file that ``path`` names, and a digest of its bytes; raises UsageError if none is there.

    Files beside it that it names, such as weights of ONNX models beyond 2 GB, are in the digest.
    """
    file = Path(os.path.expanduser(path))
    if file.is_dir():
        raise UsageError(f"'{file}' is a folder; expected {kind}:{example}")
    try:
        data = file.read_bytes()
        beside = [p for p in sorted(file.parent.iterdir()) if p != file and p.is_file()]
        named = [p.read_bytes() for p in beside if p.name.encode() in data]
        return file, digest(data, *named)
    except FileNotFoundError:
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*") if p.is_file()])
        raise UsageError(f"there is no file '{file}'{near}") from None
    except OSError as error:
        raise UsageError(f"'{file}' cannot be read: {error.strerror}") from None
