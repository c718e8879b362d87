"""How a stress acts at each tap: from a batch of samples to variants that a model can judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.frames import Frames
from roadworthy.engine.plan import Cell
from roadworthy.errors import RoadworthyError
from roadworthy.pipeline.base import framed
from roadworthy.seed import rng_for
from roadworthy.stress.bound import Setting
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.types import Classifier, Image, Logits, Sample, Tap


@dataclass
class Batch:
    """A fixed slice of a part: samples that can be used, where they are and what they are."""

    samples: Sequence[Sample]
    positions: Sequence[int]
    labels: NDArray[np.int32]
    clean: Logits
    failures: dict[int, str] = field(default_factory=dict)  # index in the batch -> reason


@dataclass(frozen=True)
class Variant:
    """A batch under one setting: its input, who judges it, and what else the stress measured."""

    setting: Setting
    x: Any
    judge: Classifier
    columns: Mapping[str, Any] = field(default_factory=dict)
    status: Sequence[str] | None = None


@dataclass(frozen=True)
class Context:
    """What a stress may use while it works."""

    frames: Frames
    seed: int
    device: str
    pool: Executor
    modified: Callable[[Cell, Setting], Classifier]  # the judge as a MODEL stress changes it


def variants(cell: Cell, batch: Batch, context: Context) -> Iterator[Variant]:
    """Yield the variants of a batch under every setting of the cell's stress."""
    tap = cell.stress.definition.tap
    for setting in cell.stress.settings:
        if tap is Tap.INPUT:
            yield _attacked(cell, setting, batch, context)
            continue
        product, _ = cell.product(setting)
        images = context.frames.stack(product, batch.positions)
        judge = context.modified(cell, setting)
        if tap is Tap.IMAGE:
            images = _corrupted(cell, setting, batch, images, context)
        columns = {"severity": setting.arguments.get("severity")}
        yield Variant(setting, to_input(images, context.device), judge, columns)


def sequences(
    cell: Cell, setting: Setting, batch: Batch, context: Context
) -> Iterator[tuple[int, Variant]]:
    """Yield the frames of a sequence stress, one frame of every sample at a time."""
    definition = cell.stress.definition
    product, _ = cell.product(setting)
    streams = []
    arguments = cell.sequence(setting).arguments
    for sample, position in zip(batch.samples, batch.positions, strict=True):
        uncropped = context.frames.get(product, position)
        draws = _draws(cell, setting, sample, context.seed)
        streams.append(definition.function(uncropped, **arguments, **draws))
    judge = context.modified(cell, setting)
    for index, images in enumerate(zip(*streams, strict=True)):
        frames = np.stack([framed(image, cell.pipeline) for image in images])
        yield index, Variant(setting, to_input(frames, context.device), judge)


def _draws(cell: Cell, setting: Setting, sample: Sample, seed: int) -> dict[str, FastDraws]:
    definition = cell.stress.definition
    if not definition.takes_draws:
        return {}
    key = rng_for(seed, definition.name, definition.version, sample.id, setting.key)
    return {"rng": FastDraws(key)}


def _corrupted(
    cell: Cell, setting: Setting, batch: Batch, images: Image, context: Context
) -> Image:
    definition = cell.stress.definition
    arguments = dict(setting.arguments)
    severity = arguments.pop("severity", None)
    if severity is not None and definition.levels is not None:
        arguments |= definition.levels.strengths(severity, images.shape[1:])

    def corrupt(index: int) -> Image:
        sample = batch.samples[index]
        draws = _draws(cell, setting, sample, context.seed)
        try:
            result = np.asarray(definition.function(images[index], **arguments, **draws))
            if result.shape != images[index].shape or result.dtype != np.uint8:
                raise ValueError(
                    f"gave {result.dtype} {result.shape}, expected uint8 like its input"
                )
        except RoadworthyError:
            raise
        except Exception as error:
            batch.failures[index] = (
                f'"{sample.id}": {definition.name} failed: {type(error).__name__}: {error}'
            )
            return np.asarray(images[index], np.uint8)
        return np.asarray(result, np.uint8)

    corrupted: Image = np.stack(list(context.pool.map(corrupt, range(len(images)))))
    return corrupted


def _attacked(cell: Cell, setting: Setting, batch: Batch, context: Context) -> Variant:
    """Attack the samples that are right on the clean image; the others are errors already."""
    import torch

    from roadworthy.engine.attacked import attack

    images = context.frames.stack(cell.product(setting)[0], batch.positions)
    x = to_input(images, context.device)
    active = np.flatnonzero(batch.clean.argmax(axis=1) == batch.labels)
    attacked = [batch.samples[int(i)] for i in active]
    status = ["clean_error"] * len(x)
    adversarial = x.clone()
    columns: dict[str, Any] = {}
    if len(active):
        chosen = torch.from_numpy(active).to(x.device)
        draws = [_draws(cell, setting, sample, context.seed) for sample in attacked]
        rng = BatchDraws([d["rng"] for d in draws]) if draws[0] else None
        labels = torch.from_numpy(batch.labels[active].astype(np.int64)).to(x.device)
        adversarial[chosen], columns = attack(cell, setting, x[chosen], labels, rng=rng)
    for index in active:
        status[index] = "ok"
    return Variant(
        setting,
        adversarial,
        cell.judge.model,
        _measured(cell, setting, x, adversarial, active, columns),
        status,
    )


def _measured(
    cell: Cell,
    setting: Setting,
    x: Any,
    adversarial: Any,
    active: NDArray[np.intp],
    counts: Mapping[str, NDArray[np.int32]],
) -> dict[str, Any]:
    """Return distances, the verdict after rounding to 8 bits, and what the attack spent."""
    difference = (adversarial - x).flatten(1)
    rounded = (adversarial * 255.0).round().clamp(0.0, 255.0) / 255.0
    logits = forward(cell.judge.model, rounded, name=cell.judge.spec)
    spent = {}
    for name, values in counts.items():
        spent[name] = np.zeros(len(x), np.int32)
        spent[name][active] = values
    return {
        "eps_numerator": setting.arguments["eps"],
        "norm": setting.arguments["norm"],
        "linf": difference.abs().amax(1).cpu().numpy(),
        "l2": difference.norm(dim=1).cpu().numpy(),
        "l1": difference.abs().sum(1).cpu().numpy(),
        "l0": (difference.abs() > 0).sum(1).to(dtype=difference.dtype).cpu().numpy(),
        "pred8": logits.argmax(axis=1),
        **spent,
    }
