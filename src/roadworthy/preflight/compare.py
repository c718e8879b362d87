"""Two pipelines side by side, stage by stage: where do they begin to differ, and by how much?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import decode, framed, resized
from roadworthy.preflight.difference import Difference, difference
from roadworthy.preflight.factors import Reader
from roadworthy.preflight.layout import Floats
from roadworthy.preflight.probes.base import SIZES, probes
from roadworthy.types import Image

STAGES = ("decode", "resize", "crop", "colour", "normalise")
"""Stages in their order; ``decode`` includes orientation and profile, ``normalise`` ends in what the
numbers mean to training's network, in levels."""

PROBED = (
    *(f"jpeg_{kind}" for kind in ("444", "420", "422", "440", "grey", "cmyk")),
    *(f"exif_{orientation}" for orientation in (1, 3, 6, 8)),
    *("icc_adobe_rgb", "png_alpha", "png_16_bit_grey"),
    *(f"grid_{height}x{width}" for height, width in SIZES[:4]),
)
"""Probes that pipelines are compared on where there are no pictures of the user's."""


@dataclass(frozen=True)
class Stage:
    """What two pipelines have after one stage: how far apart, or which sizes they have.

    ``shapes`` is empty where all pictures have equal sizes in both.
    """

    name: str
    difference: Difference | None
    shapes: str = ""

    @property
    def same(self) -> bool:
        """Whether both have the same."""
        return self.difference is not None and self.difference.none

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        found = None if self.difference is None else self.difference.as_dict()
        return {"stage": self.name, "same": self.same, "difference": found, "shapes": self.shapes}


@dataclass(frozen=True)
class Comparison:
    """All stages on some pictures, and the first at which the pipelines differ, None if none."""

    stages: tuple[Stage, ...]
    pictures: int
    kind: str

    @property
    def first(self) -> str | None:
        """The first stage that diverges."""
        return next((stage.name for stage in self.stages if not stage.same), None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "pictures": self.pictures,
            "kind": self.kind,
            "first": self.first,
            "stages": [stage.as_dict() for stage in self.stages],
        }


def compare(
    before: Reader, after: Reader, pictures: Mapping[str, bytes] | None = None
) -> Comparison:
    """Compare two ways to read files, on ``pictures`` by name or on probes.

    Files that one of them cannot read are left out.
    """
    files = pictures or {name: probes()[name].data for name in PROBED}
    pairs = []
    for name, data in files.items():
        try:
            pairs.append((_stages(before, before, name, data), _stages(after, before, name, data)))
        except SampleError:
            continue
    stages = [_stage(name, [(a[name], b[name]) for a, b in pairs]) for name in STAGES]
    return Comparison(tuple(stages), len(pairs), "pictures" if pictures else "probes")


def _stages(reader: Reader, training: Reader, name: str, data: bytes) -> dict[str, Floats | Image]:
    pipeline, plain = reader.pipeline, replace(reader.pipeline, colour="rgb")
    decoded = decode(data, pipeline, name=name)
    fitted = resized(decoded, pipeline)
    frame: Image = framed(fitted, pipeline)
    return {
        "decode": decoded,
        "resize": fitted,
        "crop": framed(fitted, plain),
        "colour": frame,
        "normalise": training.numbers.levels(frame, reader.numbers),
    }


def _stage(name: str, pairs: Sequence[tuple[Floats | Image, Floats | Image]]) -> Stage:
    unequal = next(((a, b) for a, b in pairs if a.shape != b.shape), None)
    if unequal is not None:
        first, second = ("x".join(map(str, array.shape[:2])) for array in unequal)
        return Stage(name, None, f"{first} against {second}")
    return Stage(name, difference(pairs))
