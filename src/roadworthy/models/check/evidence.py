"""What all findings go by: real frames, their labels, and what the model says of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.labels import Relation, relate
from roadworthy.data.order import order
from roadworthy.engine.forward import finite, forward, to_input
from roadworthy.engine.frames import Counters, Frames, Product, prepare
from roadworthy.engine.options import Options, cores
from roadworthy.engine.plan import Source
from roadworthy.engine.verdict import verdicts
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.types import Classifier, Dataset, Image, Logits, Sample

BLOCK = 256
KEPT = 300
"""Frames that are kept for the findings that judge images again; all others are judged once."""


class NotPossibleError(RoadworthyError):
    """A finding has nothing to go by; it becomes ``skipped`` with this reason."""


@dataclass(frozen=True)
class Evidence:
    """A model and what it says of a stratified prefix of the data.

    ``frames`` are the first of the usable images, uint8 (N, H, W, 3); ``logits`` of all of them, or
    None where the network does not run, with the reason in ``broken``. ``mismatch`` says why there
    is no ``relation``. ``varied`` counts images of another size than the first, for a model that
    has no size of its own; ``unreadable`` has the reason for each image that cannot be used.
    """

    model: Classifier
    name: str
    dataset: Dataset
    options: Options
    relation: Relation | None
    mismatch: str
    asked: int
    samples: tuple[Sample, ...]
    frames: Image
    logits: Logits | None
    broken: str
    unreadable: tuple[str, ...]
    varied: int
    seconds_to_read: float

    @property
    def outputs(self) -> Logits:
        """The logits (N, classes); raises NotPossibleError where the network does not run."""
        if self.logits is None:
            raise NotPossibleError("the network does not run on these images")
        return self.logits

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The label of each image as an output of the model, (N,); or NotPossibleError."""
        relation = self.relation
        if relation is None:
            raise NotPossibleError("the labels do not fit the outputs of the model")
        return np.array([relation.target_of(s.label) for s in self.samples], np.int32)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Which images the model is right on, (N,)."""
        return self.right_by(self.outputs)

    def right_by(self, logits: Logits) -> NDArray[np.bool_]:
        """Which of the first images ``logits`` are right on; where they are not finite, none."""
        good = finite(logits)
        plain = np.where(good[:, None], logits, np.float32(0.0))
        subset = self.relation.subset if self.relation else None
        columns = verdicts(plain, self.labels[: len(logits)], subset=subset)
        correct: NDArray[np.bool_] = columns["correct"] & good
        return correct

    def input(self, start: int, stop: int) -> Any:
        """Return kept frames as a float batch in [0, 1], on the device of the model."""
        return to_input(self.frames[start:stop], self.options.device)

    def judged(self, model: Classifier, start: int, stop: int, *, flip: bool = False) -> Logits:
        """Return the logits of kept frames by ``model``, with blue before red where ``flip``."""
        step = self.options.forward_batch
        parts = []
        for first in range(start, stop, step):
            x = self.input(first, min(first + step, stop))
            parts.append(forward(model, x.flip(1) if flip else x, name=self.name))
        return np.concatenate(parts)


def gather(model: Classifier, dataset: Dataset, options: Options) -> Evidence:
    """Read and judge a stratified prefix of ``dataset``.

    Raises UsageError where not one image of it can be read. Labels that do not fit and a network
    that does not run are findings, not errors.
    """
    ordered = order(dataset.samples, seed=options.seed)
    chosen = tuple(ordered[: options.limit])
    name = str(getattr(model, "spec", model.id))
    size = model.pipeline.size or Source(dataset, chosen, len(ordered)).first_size
    relation, mismatch = _related(dataset, model, name)
    judged = _Judged(model, name, options, size)
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(chosen), BLOCK):
            judged.block(chosen[start : start + BLOCK], dataset, pool)
    if not judged.samples:
        raise UsageError(f"no image of '{dataset.spec}' can be read: {judged.unreadable[0]}")
    return Evidence(
        model=model,
        name=name,
        dataset=dataset,
        options=options,
        relation=relation,
        mismatch=mismatch,
        asked=len(chosen),
        samples=tuple(judged.samples),
        frames=np.concatenate(judged.kept),
        logits=None if judged.broken else np.concatenate(judged.logits),
        broken=judged.broken,
        unreadable=tuple(judged.unreadable),
        varied=judged.varied,
        seconds_to_read=judged.seconds / len(chosen),
    )


def _related(dataset: Dataset, model: Classifier, name: str) -> tuple[Relation | None, str]:
    try:
        return relate(dataset, model.classes, model_name=name), ""
    except UsageError as error:
        return None, str(error)


class _Judged:
    """Collects what the blocks of images give."""

    def __init__(
        self, model: Classifier, name: str, options: Options, size: tuple[int, int]
    ) -> None:
        self.model, self.name, self.options, self.size = model, name, options, size
        self.product = Product("frame", model.pipeline)
        self.samples: list[Sample] = []
        self.kept: list[Image] = []
        self.logits: list[Logits] = []
        self.unreadable: list[str] = []
        self.varied, self.seconds, self.broken = 0, 0.0, ""

    def block(self, block: Sequence[Sample], dataset: Dataset, pool: ThreadPoolExecutor) -> None:
        began = time.perf_counter()
        frames = prepare(
            block,
            {self.product: set(range(len(block)))},
            {},
            dataset=dataset,
            sizes={},  # images of another size are counted here, not refused
            seed=self.options.seed,
            pool=pool,
            workers=cores(),
            counters=Counters(),
        )
        self.seconds += time.perf_counter() - began
        positions = self._usable(frames, len(block))
        left = max(0, KEPT - len(self.samples))
        self.samples += [block[i] for i in positions]
        if positions and left:
            self.kept.append(frames.stack(self.product, positions[:left]))
        self._judge(frames, positions)

    def _usable(self, frames: Frames, count: int) -> list[int]:
        positions = []
        for i in range(count):
            reason = frames.failures.get((self.product, i))
            if reason is not None:
                self.unreadable.append(reason)
            elif frames.get(self.product, i).shape[:2] != self.size:
                self.varied += 1
            else:
                positions.append(i)
        return positions

    def _judge(self, frames: Frames, positions: Sequence[int]) -> None:
        step = self.options.forward_batch
        for start in range(0, len(positions), step):
            if self.broken:
                return
            stack = frames.stack(self.product, positions[start : start + step])
            try:
                x = to_input(stack, self.options.device)
                self.logits.append(forward(self.model, x, name=self.name))
            except RoadworthyError as error:
                self.broken = str(error)
