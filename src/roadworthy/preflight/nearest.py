"""Which resizer of one library comes nearest to that of another: measured, on pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import run
from roadworthy.pipeline.stages import resizer_names
from roadworthy.preflight.calls import library_of
from roadworthy.preflight.difference import difference
from roadworthy.preflight.factors import Reader
from roadworthy.preflight.filters import is_usable
from roadworthy.preflight.probes.base import probes

MOST = 8
"""Pictures that resizers are compared on."""

TEXTURES = ("jpeg_large", "grid_427x640", "grid_333x471", "grid_930x1103")
"""Probes that they are compared on where there are no pictures of the user's."""


@dataclass(frozen=True)
class Near:
    """A resizer, and how far its frames are from those of the one it is to replace, in levels."""

    resizer: str
    mean: float


def nearest(
    wanted: Reader, library: str, pictures: Mapping[str, bytes] | None = None
) -> list[Near]:
    """Return the resizers of ``library`` by how near they come to that of ``wanted``, nearest first."""
    files = dict(list((pictures or {}).items())[:MOST])
    files = files or {name: probes()[name].data for name in TEXTURES}
    found = []
    for name in resizer_names():
        if library_of(name) == library and is_usable(name):
            other = replace(wanted, pipeline=replace(wanted.pipeline, resize=name))
            found.append(Near(name, _apart(wanted, other, files)))
    return sorted(found, key=lambda near: (near.mean, near.resizer))


def _apart(first: Reader, second: Reader, files: Mapping[str, bytes]) -> float:
    pairs = []
    for name, data in files.items():
        try:
            frames = [run(data, one.pipeline, name=name) for one in (first, second)]
        except SampleError:
            continue
        pairs.append((frames[0], frames[1]))
    return difference(pairs).mean
