"""Read and judge images once, block by block, for all questions of a preflight."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from roadworthy.data.labels import Relation, relate
from roadworthy.data.order import order
from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.frames import Counters, Frames, Product, prepare
from roadworthy.engine.options import Options, cores
from roadworthy.engine.plan import Source
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.check.evidence import Evidence
from roadworthy.types import Classifier, Dataset, Image, Logits, Sample

BLOCK = 256
KEPT = 300
"""Frames that are kept for the questions that judge images again; all others are judged once."""


def gather(model: Classifier, dataset: Dataset, options: Options) -> Evidence:
    """Read and judge a stratified prefix of ``dataset``.

    Raises UsageError where it has no images, or not one of them can be read. Labels that do not fit
    and a network that does not run are findings, not errors.
    """
    ordered = order(dataset.samples, seed=options.seed)
    chosen = tuple(ordered[: options.limit])
    if not chosen:
        raise UsageError(f"'{dataset.spec}' has no images")
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
        seconds_to_read=judged.reading / len(chosen),
        seconds_to_judge=judged.judging / len(judged.samples),
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
        self.varied, self.broken = 0, ""
        self.reading, self.judging = 0.0, 0.0

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
        frames.make_all()
        self.reading += time.perf_counter() - began
        positions = self._usable(frames, len(block))
        left = max(0, KEPT - len(self.samples))
        self.samples += [block[i] for i in positions]
        if positions and left:
            self.kept.append(frames.stack(self.product, positions[:left]))
        began = time.perf_counter()
        self._judge(frames, positions)
        self.judging += time.perf_counter() - began

    def _usable(self, frames: Frames, count: int) -> list[int]:
        positions, failed = [], frames.failures.get(self.product, {})
        for i in range(count):
            reason = failed.get(i)
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
