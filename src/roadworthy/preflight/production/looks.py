"""What production looks like, in plain sentences: files, pixels, and what reaches the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from roadworthy.preflight.production.gathered import FileFacts, Gathered, Seen, medians
from roadworthy.preflight.production.likeness import FEWEST, Likeness, likeness
from roadworthy.preflight.production.tables import coarseness
from roadworthy.stress import STRESSES

USUAL = 90.0
"""Quality that files of an unknown reference are taken to have."""

SCALES = 1.5
"""Ratio of sizes beyond which detail in files of two sets is not compared pixel by pixel."""


@dataclass(frozen=True)
class Files:
    """What the files of a set are like: medians, and shares in percent by name."""

    count: int
    height: float
    width: float
    noise: float
    sharpness: float
    quality: float | None
    quality_range: tuple[float, float] | None
    formats: dict[str, float]
    chroma: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Looks:
    """What production looks like, and by what; ``stresses`` are the stresses that come nearest.

    ``compression`` is the one that the quantisation tables tell, ``files`` what the pixels of the
    files do, and ``frames`` what those that reach the network do; None where it was not looked for.
    """

    production: Files
    reference: Files | None
    compression: str | None
    files: Likeness | None
    frames: Likeness | None
    sentences: tuple[str, ...]

    @property
    def stresses(self) -> tuple[str, ...]:
        """The nearest stresses, each once."""
        near = [k.nearest.spec for k in (self.files, self.frames) if k is not None and k.nearest]
        first = [] if self.compression is None else [self.compression]
        return tuple(dict.fromkeys([*first, *near]))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "production": self.production.as_dict(),
            "reference": None if self.reference is None else self.reference.as_dict(),
            "compression": self.compression,
            "files": None if self.files is None else self.files.as_dict(),
            "frames": None if self.frames is None else self.frames.as_dict(),
            "stresses": list(self.stresses),
            "sentences": list(self.sentences),
        }


def files_of(facts: Sequence[FileFacts]) -> Files:
    """Sum up files; there is at least one."""
    qualities = [f.quality for f in facts if f.quality is not None]
    ends = tuple(map(float, np.percentile(qualities, (5, 95)))) if qualities else None
    return Files(
        count=len(facts),
        height=medians(facts, "height") or 0.0,
        width=medians(facts, "width") or 0.0,
        noise=medians(facts, "noise") or 0.0,
        sharpness=medians(facts, "sharpness") or 0.0,
        quality=medians(facts, "quality"),
        quality_range=(ends[0], ends[1]) if ends else None,
        formats=_shares([f.format for f in facts]),
        chroma=_shares([f.chroma for f in facts if f.chroma]),
    )


def _shares(words: Sequence[str]) -> dict[str, float]:
    return {word: 100 * n / len(words) for word, n in Counter(words).most_common()}


def looks(production: Gathered, reference: Gathered | None) -> Looks:
    """Match production to the nearest stresses, by its files alone or beside a reference."""
    here = files_of(production.facts)
    there = None if reference is None else files_of(reference.facts)
    side = len(production.frames.pictures[0]) if production.frames.pictures else 224
    compression = compression_like(here, there, side)
    files = frames = None
    if reference is not None and there is not None:
        frames = likeness(
            production.frames.measures, reference.frames.measures, reference.frames.pictures
        )
        files = _of_cuts(production, reference) if _comparable(here, there) else None
        if files is not None and frames is not None and files.nearest is not None:
            frames = frames.preferring(files.nearest.name)
    plain = Looks(here, there, compression, files, frames, ())
    return Looks(here, there, compression, files, frames, tuple(_sentences(plain)))


def _comparable(here: Files, there: Files) -> bool:
    ratio = here.height * here.width / max(1.0, there.height * there.width)
    return 1 / SCALES**2 <= ratio <= SCALES**2


def _of_cuts(production: Gathered, reference: Gathered) -> Likeness | None:
    """Match the middle of the files' pictures, of the size that most of the reference have."""
    if not reference.cuts:
        return None
    side, seen = max(reference.cuts.items(), key=lambda item: len(item[1].measures))
    mine = production.cuts.get(side, Seen())
    return likeness(mine.measures, seen.measures, seen.pictures)


def compression_like(here: Files, there: Files | None, side: int) -> str | None:
    """Return the `jpeg_compression` that production's quantisation tables are nearest to, or None.

    Steps of the tables are compared as ratios; None where they are nearer to those of the reference
    (of quality 90 where there is no other), or most files are no JPEGs.
    """
    if here.quality is None or here.formats.get("JPEG", 0) < 50:
        return None
    usual = USUAL if there is None or there.quality is None else there.quality
    levels = STRESSES.get("jpeg_compression").levels
    assert levels is not None
    known = {
        f"jpeg_compression(severity={s})": levels.strengths(s, (side, side, 3))["quality"]
        for s in range(1, 6)
    }
    mine = np.log(coarseness(here.quality))

    def distance(quality: float) -> float:
        return float(abs(mine - np.log(coarseness(quality))))

    near = min(known, key=lambda name: distance(known[name]))
    return near if distance(known[near]) < distance(usual) else None


def _sentences(found: Looks) -> Iterator[str]:
    here, there = found.production, found.reference
    if found.compression is not None and here.quality is not None:
        beside = (
            ""
            if there is None or there.quality is None
            else f", the reference at {there.quality:.0f}"
        )
        yield (
            f"looks like {found.compression}: the quantisation tables are those of JPEG quality "
            f"{here.quality:.0f} (median){beside}"
        )
    if there is None:
        yield "noise, blur and light are matched to stresses beside a reference only: give --reference DATA"
        return
    if not _comparable(here, there):
        yield (
            f"sizes differ: {here.width:.0f}x{here.height:.0f} pixels against "
            f"{there.width:.0f}x{there.height:.0f} (medians), so that the detail of files is not compared"
        )
    elif found.files is not None:
        yield from _likeness("the files look", found.files)
    if found.frames is not None:
        yield from _likeness("what reaches the network looks", found.frames)
    if found.files is None and found.frames is None:
        yield f"fewer than {FEWEST} images on one side: nothing is matched"
    yield from _matched(found.files, found.frames)


def _likeness(who: str, found: Likeness) -> Iterator[str]:
    near = found.nearest
    measured = ", ".join(f"{name} {shift:+.1f}" for name, shift in found.moved if abs(shift) >= 0.1)
    by = f"moved most, in standard deviations over the reference: {measured}" if measured else ""
    if not found.shifted:
        yield f"{who} like the reference: nothing has moved beyond chance (p = {found.p:.2g})"
    elif near is None:
        yield f"{who} different from the reference, but like none of our corruptions; {by}"
    else:
        equal = [c.spec for c in found.as_near]
        also = f" ({', '.join(equal)} almost as much)" if equal else ""
        yield (
            f"{who} like {near.spec}, which explains {100 * near.explained:.0f} % of the difference "
            f"from the reference{also}; {by}"
        )


def _matched(*found: Likeness | None) -> Iterator[str]:
    basis = max((each.basis for each in found if each is not None), default=0)
    if basis:
        images = "1 image" if basis == 1 else f"{basis} images"
        yield f"matched to every corruption at every severity, made of {images} of the reference"
