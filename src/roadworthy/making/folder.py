"""Entering the folder of a make: what it says it is of, and what may join it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy import __version__
from roadworthy.engine.files import sweep, write_whole
from roadworthy.engine.versions import versions
from roadworthy.errors import UsageError

REQUEST = "make.json"
NOT_ASKED = ("schema", "roadworthy", "versions", "folders")
"""What the note says beside what was asked for."""


def begin(folder: Path, request: Mapping[str, Any], sets: Mapping[str, Mapping[str, Any]]) -> None:
    """Make or enter the folder of a make, and note what it is of.

    ``sets`` says what each folder inside is of; its ``key`` covers all that decides about the pixels.
    Other sets may join a folder; raises UsageError where it holds anything but a make of the same
    data and seed, or the same set made otherwise, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output '{folder}' is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _known(folder)
        probe = folder / f".tmp-{os.getpid()}-probe"
        probe.touch()
        probe.unlink(missing_ok=True)
        sweep([folder])
    except OSError as error:
        raise UsageError(
            f"cannot write to output '{folder}': {error.strerror or error}; "
            f"choose a folder you may write to"
        ) from error
    folders = dict(known.get("folders", {}))
    for name, value in request.items():
        if known and known.get(name) != value:
            raise UsageError(
                f"'{folder}' was made with {name} {_short(known.get(name))}, not "
                f"{_short(value)}; choose another folder"
            )
    for name, about in sets.items():
        before = folders.setdefault(name, about)
        if before.get("key") != about["key"]:
            raise UsageError(
                f"'{folder}/{name}' was made otherwise: {_short(before.get('stress'))} in "
                f"frame {before.get('frame')} as {before.get('store')}, not {about['stress']} in "
                f"frame {about['frame']} as {about['store']}; choose another folder"
            )
    earlier = {name: value for name, value in known.items() if name not in NOT_ASKED}
    value = {"schema": 1, "roadworthy": __version__, **earlier, **request}
    value |= {"versions": versions(), "folders": folders}
    write_whole(folder / REQUEST, json.dumps(value, indent=1, ensure_ascii=False).encode())


def _known(folder: Path) -> dict[str, Any]:
    """Return what the folder says it is of; nothing for an empty one."""
    path = folder / REQUEST
    if not path.exists():
        others = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
        if others:
            raise UsageError(
                f"'{folder}' is not empty ('{sorted(others)[0]}') and no folder of `roadworthy "
                f"make`: it has no {REQUEST}; choose another folder"
            )
        return {}
    try:
        value = json.loads(path.read_bytes())
        if isinstance(value, dict) and isinstance(value.get("folders"), dict):
            return value
    except (ValueError, RecursionError):
        pass
    raise UsageError(f"'{path}' is damaged; choose another folder, or remove this one")


def _short(value: object) -> str:
    return repr(value)[:80]
