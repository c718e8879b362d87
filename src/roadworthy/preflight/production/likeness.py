"""Which of our corruptions, at which severity, moves pictures as these were moved?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.options import cores
from roadworthy.errors import RoadworthyError
from roadworthy.preflight.production.measures import NAMES, Measures, measures_of
from roadworthy.stress import STRESSES
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import Stress, stress
from roadworthy.types import Image, Tap

Table = NDArray[np.float64]

BASIS = 12
"""Frames of the reference that pass through every corruption at every severity."""

FEWEST = 8
"""Images on either side from which anything is concluded."""

SURE = 1e-3
"""Chance of calling pictures of the reference's kind something else."""

EXPLAINED = 0.5
"""Share of a shift that a corruption must explain to be named."""


ALMOST = 0.05
"""Difference of such shares below which two corruptions are as near."""


@dataclass(frozen=True)
class Candidate:
    """A corruption at a severity, and how much of the shift it explains: 1 all, 0 none, or less."""

    name: str
    severity: int
    explained: float

    @property
    def spec(self) -> str:
        """The stress as a text."""
        return f"{self.name}(severity={self.severity})"


@dataclass(frozen=True)
class Likeness:
    """What production looks like beside the reference.

    ``nearest`` is None where nothing has moved beyond chance; ``candidates`` are the best few, each
    corruption once, ``moved`` the measures that moved most, each with its shift in standard
    deviations over the reference's images. ``basis`` says how many frames passed through the
    corruptions, 0 where none did.
    """

    shifted: bool
    candidates: tuple[Candidate, ...]
    moved: tuple[tuple[str, float], ...]
    p: float
    basis: int

    @property
    def nearest(self) -> Candidate | None:
        """The corruption that explains the shift best, if it explains enough of it."""
        best = next(iter(self.candidates), None)
        return best if self.shifted and best and best.explained >= EXPLAINED else None

    @property
    def as_near(self) -> tuple[Candidate, ...]:
        """Others that explain almost as much as the nearest."""
        near = self.nearest
        if near is None:
            return ()
        others = (c for c in self.candidates[1:] if c.explained > near.explained - ALMOST)
        return tuple(others)

    def preferring(self, name: str) -> Likeness:
        """Return this with the corruption ``name`` first, if it is as near as the nearest."""
        chosen = [c for c in self.as_near if c.name == name]
        return replace(self, candidates=tuple(dict.fromkeys([*chosen, *self.candidates])))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        near = self.nearest
        return {
            "shifted": self.shifted,
            "nearest": None if near is None else near.spec,
            "candidates": [{**asdict(c), "spec": c.spec} for c in self.candidates],
            "moved": [{"measure": name, "deviations": shift} for name, shift in self.moved],
            "p": self.p,
            "basis": self.basis,
        }


def likeness(
    production: Sequence[Measures], reference: Sequence[Measures], frames: Sequence[Image]
) -> Likeness | None:
    """Match the shift between two sets to corruptions of ``frames``, which are of the reference.

    The mean measures of production minus those of the reference are a vector; so is what a
    corruption does to the frames. Distances between such vectors are in standard deviations of the
    reference's images (Mahalanobis), so that what differs from picture to picture anyway counts little.
    Nothing has moved unless Hotelling's T² says so. None where there are too few images.
    """
    if min(len(production), len(reference)) < FEWEST or not frames:
        return None
    here, there = np.stack(production), np.stack(reference)
    shift = here.mean(axis=0) - there.mean(axis=0)
    p = _p(shift, here, there)
    scale = there.std(axis=0, ddof=1) + 0.01
    moved = sorted(zip(NAMES, (shift / scale).tolist(), strict=True), key=lambda m: -abs(m[1]))
    found: list[Candidate] = []
    if p < SURE:
        white = _whitening(there)
        target = shift @ white
        found = [
            Candidate(name, severity, _explained(target, vector @ white))
            for name, severity, vector in _vectors(frames)
        ]
    return Likeness(p < SURE, tuple(_best(found)), tuple(moved[:3]), p, len(frames) if found else 0)


def _best(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the best severity of each of the three best corruptions."""
    ordered = sorted(found, key=lambda c: -c.explained)
    names = list(dict.fromkeys(c.name for c in ordered))[:3]
    return (next(c for c in ordered if c.name == name) for name in names)


def _explained(target: Table, vector: Table) -> float:
    """Return which share of the squared length of ``target`` is gone once ``vector`` is taken off."""
    return 1 - float(np.square(target - vector).sum() / max(np.square(target).sum(), 1e-12))


def _covariance(there: Table) -> Table:
    """Return the covariance of the measures over images, drawn to its diagonal to be invertible."""
    scale = there.std(axis=0, ddof=1) + 0.01
    plain = np.cov(there, rowvar=False) + np.diag(np.full(len(scale), 1e-6))
    share = 1 / (1 + len(there) / 50)
    found: Table = (1 - share) * plain + share * np.diag(scale**2)
    return found


def _whitening(there: Table) -> Table:
    values, vectors = np.linalg.eigh(_covariance(there))
    found: Table = vectors / np.sqrt(np.maximum(values, 1e-4))
    return found


def _p(shift: Table, here: Table, there: Table) -> float:
    """Return the p of Hotelling's two-sample test, with covariances of their own, for many images."""
    from scipy.special import chdtrc

    error = _covariance(here) / len(here) + _covariance(there) / len(there)
    squared = float(shift @ np.linalg.solve(error, shift))
    # Estimated covariances make T² larger; F's correction with the smaller set is on the safe side.
    few, k = min(len(here), len(there)), len(shift)
    return float(chdtrc(k, squared * max(0.05, (few - k / 2) / (few + k / 2))))


def _vectors(frames: Sequence[Image]) -> Iterator[tuple[str, int, Table]]:
    """Yield what each corruption at each severity does to the measures of ``frames``, meant over them."""
    plain = np.stack([measures_of(frame) for frame in frames])
    with ThreadPoolExecutor(cores()) as pool:
        jobs = [(one, severity) for one in corruptions() for severity in range(1, 6)]
        for (one, severity), found in zip(
            jobs, pool.map(partial(_moved, frames), jobs), strict=True
        ):
            if found is not None:
                yield one.name, severity, (found - plain).mean(axis=0)


def _moved(frames: Sequence[Image], job: tuple[Stress, int]) -> Table | None:
    one, severity = job
    try:
        return np.stack(
            [
                measures_of(
                    corrupted(one, one.settings[severity - 1], frame, sample=str(i), seed=0)
                )
                for i, frame in enumerate(frames)
            ]
        )
    except RoadworthyError:  # not every corruption is made for frames of every size
        return None


def corruptions() -> Iterator[Stress]:
    """Yield the corruptions that have severities 1 to 5, each with all of them."""
    for name in STRESSES:
        definition = STRESSES.get(name)
        if (
            definition.tap is Tap.IMAGE
            and definition.levels is not None
            and not definition.composed
        ):
            one = stress(f"{name}(severity=1..5)")
            if len(one.settings) == 5:
                yield one
