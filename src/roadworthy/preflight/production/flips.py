"""How many predictions change when production's files are read, or the network computed, another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from roadworthy.engine.options import cores
from roadworthy.errors import RoadworthyError
from roadworthy.metrics.interval import wilson
from roadworthy.pipeline.base import Pipeline, decode_hash
from roadworthy.preflight.answers import changed
from roadworthy.preflight.factors import Reader
from roadworthy.preflight.judge import BLOCK, Judge
from roadworthy.preflight.ways import Way, block_of
from roadworthy.stress.bound import stress
from roadworthy.stress.changes import check_applies, judged_by, read_by
from roadworthy.suites.generators.base import GENERATORS
from roadworthy.types import Classifier, Logits, Sample, Tap, says_scores

SUITES = {"imagenet_s": ("decode", "resize"), "sysnoise": ()}
"""Suites and the factors that belong to them; those of the second are all."""

OWN = "as the model reads"

MEMORY = 256 << 20
"""Bytes that the images of a block may take in all their ways, as floats."""


@dataclass(frozen=True)
class Option:
    """One other way: its factor, the stress that it is, and who reads or judges then."""

    factor: str
    spec: str
    pipeline: Pipeline | None = None
    model: Classifier | None = None


@dataclass(frozen=True)
class Share:
    """A share of ``n`` images, in percent, with its 95 % interval (Wilson)."""

    n: int
    rate: float
    low: float
    high: float


def share(count: int, n: int) -> Share:
    """Return ``count`` of ``n`` as a share."""
    low, high = wilson(count, n)
    return Share(n, 100 * count / n, 100 * float(low), 100 * float(high))


@dataclass(frozen=True)
class OptionFlips:
    """What one option changes: predictions that flip, and the mean KL divergence in nats.

    ``untouched`` is whether every image reaches the network as before.
    """

    factor: str
    spec: str
    flips: Share
    kl: float | None
    untouched: bool


@dataclass(frozen=True)
class SuiteFlips:
    """A suite: images on which all its options predict as the model does, and the mean flip rate."""

    name: str
    options: int
    agreement: Share
    flips: float
    worst: str


@dataclass(frozen=True)
class Flips:
    """All options and suites; ``skipped`` says why some ways are not among them."""

    options: tuple[OptionFlips, ...]
    suites: tuple[SuiteFlips, ...]
    skipped: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


@dataclass
class _Tally:
    scores: bool
    flipped: dict[str, bool] = field(default_factory=dict)
    kl: list[float] = field(default_factory=list)
    moved: bool = False

    def add(self, ids: Sequence[str], before: Logits, after: Logits) -> None:
        self.moved |= not np.array_equal(before, after, equal_nan=True)
        flipped, kl = changed(before, after, scores=self.scores)
        self.flipped |= dict(zip(ids, flipped, strict=True))
        self.kl += kl


def options_of(model: Classifier) -> tuple[list[Option], list[str]]:
    """Return the other ways of the suite `sysnoise` for a model, and why some are left out.

    Decoders that decode alike, bit for bit, are one; what is as the model has it is no other way.
    """
    own = model.pipeline
    found: list[Option] = []
    skipped: list[str] = []
    decoded = {decode_hash(own)}
    for factor, specs in GENERATORS.get("sysnoise").function().factors.items():
        for text in specs:
            try:
                option = _option(model, factor, text)
            except RoadworthyError as error:  # it cannot be made here, or of this network
                skipped.append(f"{text}: {error}")
                continue
            if option.pipeline is not None:
                if option.pipeline == own or (factor == "resize" and own.size is None):
                    continue
                if factor == "decode":
                    seen = decode_hash(option.pipeline)
                    if seen in decoded:
                        continue
                    decoded.add(seen)
            found.append(option)
    return found, skipped


def _option(model: Classifier, factor: str, text: str) -> Option:
    one = stress(text)
    (setting,) = one.settings
    if one.definition.tap is Tap.PIPELINE:
        return Option(factor, text, pipeline=read_by(one, setting, model.pipeline))
    check_applies(one, setting, model, model.pipeline.size or (224, 224))
    return Option(factor, text, model=judged_by(one, setting, model))


def flips_of(judge: Judge, samples: Sequence[Sample]) -> Flips | None:
    """Judge ``samples`` in all other ways; None where not one image can be read as the model reads it."""
    options, skipped = options_of(judge.model)
    tallies = {option.spec: _Tally(says_scores(judge.model)) for option in options}
    own = Reader(judge.model.pipeline, judge.numbers)
    ways: dict[str, Way] = {OWN: own}
    ways |= {o.spec: Reader(o.pipeline, judge.numbers) for o in options if o.pipeline is not None}
    with ThreadPoolExecutor(cores()) as pool:
        step = images_at_once(own.pipeline, len(ways))
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            made = block_of(block, ways, judge.numbers, dataset=judge.dataset, pool=pool)
            judged = _judged(judge, options, made.images, skipped)
            for spec, logits in judged.items():
                both = sorted(logits.keys() & judged[OWN].keys())
                if spec != OWN and both:
                    before, after = (np.stack([judged[s][i] for i in both]) for s in (OWN, spec))
                    tallies[spec].add([block[i].id for i in both], before, after)
    kept = [o for o in options if tallies[o.spec].flipped]
    rows = tuple(_row(o, tallies[o.spec]) for o in kept)
    suites = tuple(_suites(rows, tallies))
    return Flips(rows, suites, tuple(dict.fromkeys(skipped))) if rows else None


def images_at_once(pipeline: Pipeline, ways: int) -> int:
    """Return how many images are held at once in so many ways."""
    height, width = pipeline.size or (512, 512)
    return min(BLOCK, max(4, MEMORY // (ways * height * width * 3 * 4)))


def _judged(
    judge: Judge,
    options: Sequence[Option],
    images: Mapping[str, Any],
    skipped: list[str],
) -> dict[str, dict[int, Logits]]:
    readings = {label: images[label] for label in images}
    found = judge.all_judged(readings)
    for option in options:
        if option.model is not None:
            try:
                found[option.spec] = replace(judge, model=option.model).judged(images[OWN])
            except RoadworthyError as error:
                skipped.append(f"{option.spec}: {error}")
    return found


def _row(option: Option, tally: _Tally) -> OptionFlips:
    count = sum(tally.flipped.values())
    kl = float(np.mean(tally.kl)) if tally.kl else None
    return OptionFlips(
        option.factor, option.spec, share(count, len(tally.flipped)), kl, not tally.moved
    )


def _suites(rows: Sequence[OptionFlips], tallies: Mapping[str, _Tally]) -> list[SuiteFlips]:
    found = []
    for name, factors in SUITES.items():
        members = [row for row in rows if not factors or row.factor in factors]
        if not members:
            continue
        flipped = [tallies[row.spec].flipped for row in members]
        known = set.intersection(*(set(each) for each in flipped))
        if not known:
            continue
        same = sum(not any(each[i] for each in flipped) for i in known)
        worst = max(members, key=lambda row: row.flips.rate)
        mean = float(np.mean([row.flips.rate for row in members]))
        found.append(SuiteFlips(name, len(members), share(same, len(known)), mean, worst.spec))
    return found
