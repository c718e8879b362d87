"""Tensors that a device made of the probes, as files of NumPy."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.preflight.base import Subject, provider
from roadworthy.preflight.probes.base import probes
from roadworthy.preflight.written import MANIFEST, probes_digest

LARGEST = 1 << 30
"""Bytes of one tensor that are read at most."""


@provider
def dump(path: str) -> Subject:
    """Take what a device made of the probes: ``dump:FOLDER`` with one ``NAME.npy`` for each.

    ``roadworthy check --deployment … --write-probes DIR`` writes the probes; the device preprocesses
    every file ``NAME.png`` or ``NAME.jpg`` and saves the tensor that its network would get as
    ``NAME.npy`` (`numpy.save`). Raises UsageError where no file fits a probe, or where the probes
    were written by another version.
    """
    folder = Path(os.path.expanduser(path))
    if not folder.is_dir():
        raise UsageError(f"'{folder}' is no folder; expected one with NAME.npy for each probe")
    files = {file.stem: file for file in sorted(folder.glob("*.npy"))}
    known = [name for name in probes() if name in files]
    if not known:
        raise UsageError(f"'{folder}': {_strangers(files)}")
    _check_version(folder)
    strange = [name for name in files if name not in probes() and not name.startswith("twin_")]
    notes = (f"dump: {_strangers(dict.fromkeys(strange))}",) if strange else ()
    return Subject(
        spec=f"dump:{path}",
        give=lambda name, _data: _tensor(files, name),
        repeats=False,
        notes=notes,
    )


def _strangers(files: dict[str, Any]) -> str:
    if not files:
        return "no .npy files; write the probes with --write-probes DIR and dump NAME.npy for each"
    first = next(iter(files))
    near = get_close_matches(first, probes(), n=1, cutoff=0.4)
    hint = f"; did you mean '{near[0]}.npy'?" if near else ""
    which = (
        f"'{first}.npy' is"
        if len(files) == 1
        else f"{len(files)} files, such as '{first}.npy', are"
    )
    return f"{which} named after no probe{hint}"


def _tensor(files: dict[str, Path], name: str) -> NDArray[Any]:
    file = files.get(name)
    if file is None or not file.exists():  # it may vanish while others are read
        raise RoadworthyError(f"no file {name}.npy")
    if file.stat().st_size > LARGEST:
        raise RoadworthyError(f"{name}.npy has more than {LARGEST >> 30} GiB")
    found: NDArray[Any] = np.load(file, allow_pickle=False)
    return found


def _check_version(folder: Path) -> None:
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("digest")
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"'{folder / MANIFEST}' cannot be read: {error}") from None
    if said != probes_digest():
        raise UsageError(
            f"'{folder}' was made of other probes than this version writes; write them again with "
            f"--write-probes and dump the tensors of those"
        )
