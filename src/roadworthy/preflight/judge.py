"""Judge the same images in several ways, and keep of each only what prices are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roadworthy.data.labels import Relation
from roadworthy.engine.forward import forward
from roadworthy.engine.options import DEFAULT_BATCH_SIZE, cores
from roadworthy.preflight.answers import changed, right
from roadworthy.preflight.layout import Floats
from roadworthy.preflight.paired import Price, price
from roadworthy.preflight.tensors import Numbers
from roadworthy.preflight.ways import Levels, Way, block_of
from roadworthy.types import Classifier, Dataset, Logits, Sample, says_scores

BLOCK = 64


@dataclass
class Tally:
    """Two ways side by side, image by image, of the images that both could read.

    ``failures`` say why the second could not read the others; ``refused`` counts those of them that
    the first reads.
    """

    flipped: list[bool] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    before: list[bool] = field(default_factory=list)
    after: list[bool] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    largest: float = 0.0
    failures: list[str] = field(default_factory=list)
    refused: int = 0

    def price(self, *, labelled: bool) -> Price | None:
        """Return what the second way costs against the first; None where no image was read."""
        pair = (np.array(self.before, bool), np.array(self.after, bool)) if labelled else None
        return price(np.array(self.flipped, bool), np.array(self.kl), pair)

    @property
    def mean_levels(self) -> float | None:
        """The mean difference at the input of the network, in levels; None where sizes differ."""
        whole = len(self.levels) == len(self.flipped) > 0
        return float(np.mean(self.levels)) if whole else None


@dataclass(frozen=True)
class Judge:
    """A model with what is needed to judge images that are made in other ways than its own."""

    model: Classifier
    name: str
    numbers: Numbers
    dataset: Dataset
    relation: Relation | None
    device: str

    def tallies(
        self,
        samples: Sequence[Sample],
        ways: Mapping[str, Way],
        pairs: Mapping[str, tuple[str, str]],
    ) -> dict[str, Tally]:
        """Judge ``samples`` in all ``ways`` and compare those that ``pairs`` names, by its keys."""
        found = {label: Tally() for label in pairs}
        with ThreadPoolExecutor(cores()) as pool:
            for start in range(0, len(samples), BLOCK):
                block = samples[start : start + BLOCK]
                made = block_of(block, ways, self.numbers, dataset=self.dataset, pool=pool)
                judged = self.all_judged(made.images)
                for label, (first, second) in pairs.items():
                    failed = made.failures[second]
                    found[label].failures += failed.values()
                    found[label].refused += len(failed.keys() - made.failures[first].keys())
                    self._add(found[label], block, made.images, judged, (first, second))
        return found

    def all_judged(self, images: Mapping[str, Levels]) -> dict[str, dict[int, Logits]]:
        """Return logits by way and position.

        What equals the first way's is not judged again: another batch would be another rounding.
        """
        first, *others = images
        found = {first: self.judged(images[first])}
        for label in others:
            usual = images[first]
            known = {i for i in images[label] if i in usual and _equal(images[label][i], usual[i])}
            new = {i: image for i, image in images[label].items() if i not in known}
            found[label] = {**{i: found[first][i] for i in known}, **self.judged(new)}
        return found

    def _add(
        self,
        tally: Tally,
        block: Sequence[Sample],
        images: Mapping[str, Levels],
        judged: Mapping[str, dict[int, Logits]],
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        both = sorted(images[first].keys() & images[second].keys())
        if not both:
            return
        before, after = (np.stack([judged[label][i] for i in both]) for label in pair)
        flipped, kl = changed(before, after, scores=says_scores(self.model))
        tally.flipped += flipped
        tally.kl += kl
        if self.relation is not None:
            labels = np.array([self.relation.target_of(block[i].label) for i in both], np.int32)
            tally.before += right(before, labels, self.relation)
            tally.after += right(after, labels, self.relation)
        shown = [(images[first][i], images[second][i]) for i in both]
        for a, b in shown:
            off = np.abs(b - a) if a.shape == b.shape else None
            tally.largest = max(tally.largest, np.inf if off is None else float(off.max()))
            tally.levels += [] if off is None else [float(off.mean())]

    def judged(self, images: Mapping[int, Floats]) -> dict[int, Logits]:
        """Return logits by position, of images of one shape at a time."""
        import torch

        shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for i, image in images.items():
            shapes[image.shape].append(i)
        found: dict[int, Logits] = {}
        for positions in shapes.values():
            for start in range(0, len(positions), DEFAULT_BATCH_SIZE):
                part = positions[start : start + DEFAULT_BATCH_SIZE]
                stack = np.stack([images[i] for i in part]).astype(np.float32)
                x: Any = torch.from_numpy(stack).to(self.device).permute(0, 3, 1, 2)
                x = x.div(255.0).contiguous(memory_format=torch.channels_last)
                found |= dict(zip(part, forward(self.model, x, name=self.name), strict=True))
        return found


def _equal(first: Floats, second: Floats) -> bool:
    return np.array_equal(first, second)
