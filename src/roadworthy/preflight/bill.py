"""Make the bill: which ways to judge, in which pairs, and what cannot be priced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.preflight.base import Subject
from roadworthy.preflight.difference import SAME
from roadworthy.preflight.factors import FIELDS, PARTS, Factor, Reader, factors, settled
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.judge import Judge, Tally
from roadworthy.preflight.prices import DEPLOYED, REMAINDER, TRAINING, WHOLE, Prices, Row
from roadworthy.preflight.tensors import Numbers, numbers_of
from roadworthy.preflight.ways import Itself, Way
from roadworthy.types import Sample


@dataclass(frozen=True)
class Side:
    """A pipeline that is known by its parts, and the thing itself."""

    subject: Subject
    identity: Identity

    @property
    def itself(self) -> Itself | None:
        """The pipeline as a way to read images; None for one of ours, and one on a device."""
        layout = self.identity.layout
        if self.subject.recipe is not None or not self.subject.repeats or layout is None:
            return None
        return Itself(self.subject, layout)

    @property
    def open_parts(self) -> set[str]:
        """The parts that are unknown."""
        return {component.part for component in self.identity.unknown}


@dataclass(frozen=True)
class Difference:
    """Two sides as readers of ours, the factors between them, and what stays open, in sentences.

    ``before`` is None where training's side is not known well enough to be rendered.
    """

    before: Reader | None
    after: Reader | None
    factors: tuple[Factor, ...]
    notes: tuple[str, ...]


def differing(training: Side, deployment: Side, network: Numbers) -> Difference:
    """Return in what two sides differ, as far as both are known."""
    before, after = _reader(training, network), _reader(deployment, network)
    notes = [
        f"{who}: {part} is unknown and has no price of its own"
        for who, side in (("training", training), ("deployment", deployment))
        for part in sorted(side.open_parts & _PRICED)
    ]
    if before is None or training.open_parts & _NEEDED:
        return Difference(None, None, (), tuple(notes))
    open_parts = training.open_parts | deployment.open_parts
    if after is None:
        after = Reader(deployment.identity.pipeline, before.numbers)
    filled = replace(after, pipeline=settled(before.pipeline, _filled(before, after, open_parts)))
    found = factors(before, filled, open_parts=open_parts)
    return Difference(before, filled, tuple(found), tuple(notes))


_NEEDED = {"size", "geometry", "resize", "normalisation", "colour"}
"""Parts without which training's frames cannot be made."""

_PRICED = {*FIELDS, *_NEEDED} - {"yuv", "light"}


def _reader(side: Side, network: Numbers) -> Reader | None:
    numbers = numbers_of(side.identity, network)
    return None if numbers is None else Reader(side.identity.pipeline, numbers)


def _filled(before: Reader, after: Reader, open_parts: set[str]) -> Any:
    """Return the pipeline of ``after`` with training's stages where a part is unknown."""
    fields = [
        field
        for name, fields in FIELDS.items()
        if open_parts & set(PARTS.get(name, (name,)))
        for field in fields
    ]
    return replace(after.pipeline, **{f: getattr(before.pipeline, f) for f in fields})


def bill(
    judge: Judge, samples: Sequence[Sample], found: Difference, training: Side, deployment: Side
) -> Prices:
    """Judge ``samples`` by a star of one change each, by all changes, and by the deployment itself."""
    usual: Way | None = found.before or training.itself
    if usual is None:
        said = "training's pipeline is not known well enough to be rendered, and cannot be called"
        return Prices((), 0, judge.relation is not None, (*found.notes, said))
    ways: dict[str, Way] = {TRAINING: usual}
    ways |= {factor.name: factor.reader for factor in found.factors}
    if found.after is not None:
        ways[WHOLE] = found.after
    itself = deployment.itself
    if itself is not None:
        ways[DEPLOYED] = itself
    pairs = {label: (TRAINING, label) for label in ways if label != TRAINING}
    if {WHOLE, DEPLOYED} <= ways.keys():
        pairs[REMAINDER] = (WHOLE, DEPLOYED)
    tallies = judge.tallies(samples, ways, pairs)
    labelled = judge.relation is not None
    rows = tuple(_rows(tallies, found, labelled=labelled))
    final = WHOLE if itself is None else DEPLOYED
    refused = tallies[final].refused if final in tallies else 0
    notes = (*found.notes, *_failed(tallies.get(final)))
    return Prices(rows, len(samples), labelled, notes, final, refused)


def _rows(tallies: Mapping[str, Tally], found: Difference, *, labelled: bool) -> Iterator[Row]:
    changes = {factor.name: factor.change for factor in found.factors}
    kinds = {WHOLE: "whole", DEPLOYED: "itself", REMAINDER: "remainder"}
    for label, tally in tallies.items():
        price = tally.price(labelled=labelled)
        same = tally.largest <= SAME
        if price is not None and same and not price.flips:
            price = price.for_certain()
        if price is not None:
            yield Row(
                name=label,
                change=changes.get(label, ""),
                kind=kinds.get(label, "factor"),
                levels=tally.mean_levels,
                price=price,
                failed=len(tally.failures),
                first_failure=tally.failures[0] if tally.failures else "",
                untouched=same and not tally.refused,
            )


def _failed(tally: Tally | None) -> Iterator[str]:
    if tally is not None and tally.failures:
        yield f"{len(tally.failures)} images cannot be read, first {tally.failures[0]}"
