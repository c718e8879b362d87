"""A function, or a transform, in a Python file of the user's."""

from __future__ import annotations

from pathlib import Path

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.models import user_code
from roadworthy.preflight.base import Subject, provider
from roadworthy.preflight.calling import subject_of


@provider
def python(path: str) -> Subject:
    """Run ``FILE.py`` and take its ``FUNCTION``: ``python:FILE.py:FUNCTION``.

    It is called with the bytes of a file and returns an array or a tensor; or it is a transform of
    Pillow pictures, arrays or tensors. The file is run because the text names it. Raises UsageError
    where there is no such file or name, RoadworthyError for whatever the file raises.
    """
    text, _, name = path.rpartition(":")
    if not text or not name.isidentifier():
        raise UsageError(f"'python:{path}' names no function; expected python:FILE.py:FUNCTION")
    file = Path(text).expanduser()
    if not file.is_file() or file.suffix != ".py":
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*.py")])
        raise UsageError(f"there is no Python file '{file}'{near}")
    found = user_code.callable_of(user_code.run_file(file), name, file)
    return subject_of(found, spec=f"python:{path}")
