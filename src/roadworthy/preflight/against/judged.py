"""Judge the same images by two artefacts: same tensors, and same files each in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.labels import Relation
from roadworthy.engine.options import cores
from roadworthy.preflight.against.logits import LogitSums
from roadworthy.preflight.against.sides import Pair
from roadworthy.preflight.answers import changed, right
from roadworthy.preflight.judge import BLOCK, Judge
from roadworthy.preflight.paired import price
from roadworthy.preflight.prices import Row
from roadworthy.preflight.tensors import PLAIN, Numbers
from roadworthy.preflight.ways import Levels, Way, block_of
from roadworthy.types import Dataset, Logits, Sample, says_scores

NETWORK, READING, BOTH = "network", "reading", "together"

CHANGES = {
    NETWORK: "the second artefact on what the first is given",
    READING: "the first artefact on files as the second reads them",
    BOTH: "the second artefact on files as it reads them",
}


@dataclass
class Sums:
    """Two sides of one line of the bill, image by image."""

    flipped: list[bool] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    before: list[bool] = field(default_factory=list)
    after: list[bool] = field(default_factory=list)
    moved: bool = False

    def add(
        self,
        a: Logits,
        b: Logits,
        labels: NDArray[np.int32] | None,
        relation: Relation | None,
        *,
        scores: bool,
    ) -> None:
        """Add images (N, classes); ``scores`` says whether both sides say more than labels."""
        self.moved |= not np.array_equal(a, b, equal_nan=True)
        flipped, kl = changed(a, b, scores=scores)
        self.flipped += flipped
        self.kl += kl
        if relation is not None and labels is not None:
            self.before += right(a, labels, relation)
            self.after += right(b, labels, relation)

    def row(self, name: str, levels: float | None, *, labelled: bool) -> Row | None:
        """Return the line of the bill; None where no image could be judged."""
        pair = (np.array(self.before, bool), np.array(self.after, bool)) if labelled else None
        made = price(np.array(self.flipped, bool), np.array(self.kl), pair)
        if made is None:
            return None
        kind = "whole" if name == BOTH else "factor"
        if self.moved:
            return Row(name, CHANGES[name], kind, levels, made)
        return Row(name, "", kind, levels, made.for_certain(), untouched=True)


@dataclass
class Outcome:
    """What judging gave: differences of logits, lines of the bill, and images that could not be read.

    ``refused`` counts those of them that the first artefact reads.
    """

    logits: LogitSums = field(default_factory=LogitSums)
    sums: dict[str, Sums] = field(default_factory=lambda: {name: Sums() for name in CHANGES})
    levels: list[float] = field(default_factory=list)
    equal: bool = True
    failures: list[str] = field(default_factory=list)
    refused: int = 0

    def rows(self, *, labelled: bool) -> Iterator[Row]:
        """Yield the lines; where both read every file alike there is but one."""
        mean = float(np.mean(self.levels)) if self.levels else None
        moves: dict[str, float | None] = {NETWORK: 0.0, READING: mean, BOTH: mean}
        first = next(iter(self.failures), "")
        for name in (NETWORK,) if self.equal else CHANGES:
            row = self.sums[name].row(name, moves[name], labelled=labelled)
            if row is not None:
                kind = "whole" if self.equal else row.kind
                yield replace(row, kind=kind, failed=len(self.failures), first_failure=first)


def judge_both(
    pair: Pair,
    ways: tuple[Way, Way],
    samples: Sequence[Sample],
    dataset: Dataset,
    relation: Relation | None,
    device: str,
) -> Outcome:
    """Judge ``samples`` by both artefacts, each image in up to four combinations."""
    numbers = pair.first.numbers or Numbers(*PLAIN), pair.second.numbers or Numbers(*PLAIN)
    judges = [
        Judge(
            model,
            pair.first.name if i == 0 else pair.second.name,
            numbers[0],
            dataset,
            relation,
            device,
        )
        for i, model in enumerate((pair.first.model, pair.fed, pair.second.model))
    ]
    found = Outcome()
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            one = block_of(block, {"a": ways[0]}, numbers[0], dataset=dataset, pool=pool)
            own = block_of(block, {"b": ways[1]}, numbers[1], dataset=dataset, pool=pool)
            meant = own
            if not pair.alike:
                meant = block_of(block, {"b": ways[1]}, numbers[0], dataset=dataset, pool=pool)
            failed = one.failures["a"] | own.failures["b"]
            found.failures += [failed[i] for i in sorted(failed)]
            found.refused += len(failed) - len(one.failures["a"])
            images = one.images["a"], own.images["b"], meant.images["b"]
            _add(found, block, judges, images, relation)
    return found


def _add(
    found: Outcome,
    block: Sequence[Sample],
    judges: Sequence[Judge],
    images: tuple[Levels, Levels, Levels],
    relation: Relation | None,
) -> None:
    both = sorted(images[0].keys() & images[1].keys())
    if not both:
        return
    first, fed, second = judges
    a, own, meant = ({i: levels[i] for i in both} for levels in images)
    same = [i for i in both if np.array_equal(a[i], own[i]) and np.array_equal(a[i], meant[i])]
    found.equal &= len(same) == len(both)
    found.levels += [
        float(np.abs(a[i] - meant[i]).mean()) for i in both if a[i].shape == meant[i].shape
    ]
    # What is the same is not judged again: another batch would be another rounding.
    plain, tensor = first.judged(a), fed.judged(a)
    reading = plain | first.judged(_without(meant, same))
    complete = tensor | second.judged(_without(own, same))
    labels = None
    if relation is not None:
        labels = np.array([relation.target_of(block[i].label) for i in both], np.int32)
    stacked = {
        name: np.stack([logits[i] for i in both])
        for name, logits in (("", plain), (NETWORK, tensor), (READING, reading), (BOTH, complete))
    }
    found.logits.add(stacked[""], stacked[NETWORK])
    scores = all(says_scores(judge.model) for judge in judges)
    for name in CHANGES:
        found.sums[name].add(stacked[""], stacked[name], labels, relation, scores=scores)


def _without(levels: Mapping[int, NDArray[np.float32]], known: Sequence[int]) -> Levels:
    left = set(levels) - set(known)
    return {i: levels[i] for i in sorted(left)}
