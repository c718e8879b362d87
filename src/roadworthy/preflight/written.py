"""Probes on disk, for a device that cannot be called from here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from roadworthy.errors import RoadworthyError
from roadworthy.preflight import decoders, files, turns
from roadworthy.preflight.probes.base import Probe, probes
from roadworthy.preflight.twins import twin_of
from roadworthy.seed import digest

MANIFEST = "probes.json"


def every_probe() -> Iterator[Probe]:
    """Yield all files that a device is asked about: the probes and their lossless twins."""
    found = dict(probes())
    for part in (decoders, turns, files):
        for name, pixels in part.every_twin():
            twin = twin_of(name, pixels)
            found.setdefault(twin.name, twin)
    yield from found.values()


def write_probes(folder: Path) -> int:
    """Write all probes into ``folder``, with what names their version, and return their number.

    Raises RoadworthyError where they cannot be written.
    """
    written = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for probe in every_probe():
            (folder / probe.file).write_bytes(probe.data)
            written += 1
        about = {"digest": probes_digest(), "count": written}
        (folder / MANIFEST).write_text(json.dumps(about) + "\n", encoding="utf-8")
    except OSError as error:
        raise RoadworthyError(f"the probes cannot be written to '{folder}': {error}") from None
    return written


@cache
def probes_digest() -> str:
    """Return a digest of all that the probes show, which another encoder of JPEG would change."""
    shown = ((p.name, p.data if p.draw is None else p.pixels.tobytes()) for p in probes().values())
    return digest(*(part for pair in shown for part in pair))
