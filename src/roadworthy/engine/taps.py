"""How a stress acts at each tap: from a batch of samples to variants that a model can judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.frames import Frames
from roadworthy.engine.known import Known
from roadworthy.engine.made import Made
from roadworthy.engine.plan import Cell
from roadworthy.engine.targets import target_of
from roadworthy.errors import SampleError
from roadworthy.stress.apply import corrupted, draws_for, sequence
from roadworthy.stress.bound import Setting
from roadworthy.stress.draws import FastDraws
from roadworthy.types import Classifier, Image, Logits, Sample, Tap


@dataclass
class Batch:
    """A fixed slice of a part: samples that can be used, where they are and what they are."""

    samples: Sequence[Sample]
    positions: Sequence[int]
    labels: NDArray[np.int32]
    clean: Logits
    failures: dict[int, str] = field(default_factory=dict)  # index in the batch -> reason
    facts: Mapping[str, Any] = field(default_factory=dict)  # columns about the files


@dataclass(frozen=True)
class Variant:
    """A batch under one setting: its input, who judges it, and what else the stress measured.

    Where ``logits`` are known already the input is not made.
    """

    setting: Setting
    x: Any
    judge: Classifier
    columns: Mapping[str, Any] = field(default_factory=dict)
    status: Sequence[str] | None = None
    there: NDArray[np.bool_] | None = None  # which samples have this frame, where not all do
    logits: Logits | None = None


@dataclass(frozen=True)
class Context:
    """What a stress may use while it works."""

    frames: Frames
    seed: int
    device: str
    pool: Executor
    modified: Callable[[Cell, Setting], Classifier]  # the judge as a MODEL stress changes it
    made: Made = field(default_factory=Made)
    known: Known = field(default_factory=Known)


def facts_of(cell: Cell, positions: Sequence[int], context: Context) -> dict[str, list[Any]]:
    """Return what the files at ``positions`` of the block say of themselves, as columns."""
    of = context.frames.facts.get(cell.pipeline, {})
    known = [of.get(position) for position in positions]
    return {
        "chroma": [facts and facts.chroma for facts in known],
        "downscale": [facts and facts.downscale for facts in known],
    }


def variants(cell: Cell, batch: Batch, context: Context) -> Iterator[Variant]:
    """Yield the variants of a batch under every setting of the cell's stress."""
    tap = cell.stress.definition.tap
    for setting in cell.stress.settings:
        if cell.stress.definition.measures:
            from roadworthy.engine.probed import probed

            yield probed(cell, setting, batch, context)
            continue
        if tap is Tap.INPUT:
            yield attacked(cell, setting, craft(cell, setting, batch, context), batch)
            continue
        judge = context.modified(cell, setting)
        if tap is Tap.PIPELINE:
            yield Variant(setting, None, judge, logits=_read(cell, setting, batch, context, judge))
            continue
        product, _ = cell.product(setting)
        images = context.frames.stack(product, batch.positions)
        if tap is Tap.IMAGE:
            images = _corrupted(cell, setting, batch, images, context)
        columns = {"severity": setting.arguments.get("severity")}
        yield Variant(setting, to_input(images, context.device), judge, columns)


def _read(
    cell: Cell, setting: Setting, batch: Batch, context: Context, judge: Classifier
) -> Logits:
    """Return the logits of frames read another way; what reads alike goes through a model once."""
    if cell.as_clean(setting):
        return batch.clean
    logits = context.known.get(cell, setting, batch.positions)
    if logits is None:
        images = context.frames.stack(cell.product(setting)[0], batch.positions)
        logits = forward(judge, to_input(images, context.device), name=cell.judge.spec)
        context.known.put(cell, setting, batch.positions, logits)
    return logits


def sequences(
    cell: Cell, setting: Setting, batch: Batch, context: Context
) -> Iterator[tuple[int, Variant]]:
    """Yield the frames of a sequence stress or of films, one frame of every sample at a time."""
    if cell.films is not None:
        yield from _filmed(cell, setting, batch, context)
        return
    product, _ = cell.product(setting)
    arguments = cell.sequence(setting).arguments
    judge = context.modified(cell, setting)

    def begin(index: int) -> Iterator[Image]:
        position, sample = batch.positions[index], batch.samples[index]
        uncropped = context.frames.get(product, position)
        draws = _draws(cell, setting, sample, context.seed)
        return sequence(cell.stress, arguments, uncropped, cell.pipeline, sample=sample.id, **draws)

    streams: dict[int, Iterator[tuple[int, Image]]] = {}

    def following(index: int, number: int) -> Image:
        if index not in streams:
            streams[index] = enumerate(begin(index))
        # Earlier frames may be kept from a batch that was too large for memory.
        return next(image for at, image in streams[index] if at == number)

    def frame(index: int, number: int) -> Image:
        key = (*_key(cell, setting), batch.positions[index], number)
        try:
            return context.made.get(key, partial(following, index, number))
        except SampleError as error:
            if isinstance(error.__cause__, MemoryError):  # a smaller batch may do
                raise
            batch.failures[index] = str(error)
            streams[index] = ((at, blank) for at in count())
            return blank

    blank = np.zeros((*cell.size, 3), np.uint8)
    everyone = range(len(batch.samples))
    for number in range(arguments["frames"]):
        images = list(context.pool.map(partial(frame, number=number), everyone))
        yield number, Variant(setting, to_input(np.stack(images), context.device), judge)


def _filmed(
    cell: Cell, setting: Setting, batch: Batch, context: Context
) -> Iterator[tuple[int, Variant]]:
    films, judge = cell.films, context.modified(cell, setting)
    assert films is not None
    blank = np.zeros((*cell.size, 3), np.uint8)

    def film(index: int) -> list[Image]:
        sample, position = batch.samples[index], batch.positions[index]
        try:
            found = context.made.get((*_key(cell, setting), position), partial(films.read, sample))
            for frame in found:
                if frame.shape != blank.shape:
                    raise SampleError(
                        f'"{sample.id}": a film of {frame.shape[1]}x{frame.shape[0]} pixels among '
                        f"those of {blank.shape[1]}x{blank.shape[0]}"
                    )
        except SampleError as error:
            batch.failures[index] = str(error)
            return [blank]
        return found

    whole = list(context.pool.map(film, range(len(batch.samples))))
    lengths = np.array([len(frames) for frames in whole])
    for number in range(int(lengths.max(initial=0))):
        images = np.stack([frames[min(number, len(frames) - 1)] for frames in whole])
        x = to_input(images, context.device)
        yield number, Variant(setting, x, judge, there=number < lengths)


def _key(cell: Cell, setting: Setting) -> tuple[object, ...]:
    return cell.stress.digest, setting.key, cell.pipeline


def _draws(cell: Cell, setting: Setting, sample: Sample, seed: int) -> dict[str, FastDraws]:
    return draws_for(cell.stress.definition, setting.key, sample=sample.id, seed=seed)


def _corrupted(
    cell: Cell, setting: Setting, batch: Batch, images: Image, context: Context
) -> Image:
    def corrupt(index: int) -> Image:
        sample, seed = batch.samples[index].id, context.seed
        make = partial(corrupted, cell.stress, setting, images[index], sample=sample, seed=seed)
        try:
            image: Image = context.made.get((*_key(cell, setting), batch.positions[index]), make)
            return image
        except SampleError as error:
            batch.failures[index] = str(error)
            untouched: Image = images[index]
            return untouched

    stacked: Image = np.stack(list(context.pool.map(corrupt, range(len(images)))))
    return stacked


@dataclass(frozen=True)
class Crafted:
    """What an attack made of a batch under one setting.

    ``x`` are the inputs, those of ``clean`` where an image was not ``attacked``; ``spent`` has an entry
    an image, ``targets`` the outputs to be taken for, None for untargeted attacks.
    """

    clean: Any
    x: Any
    attacked: NDArray[np.bool_]
    spent: Mapping[str, Any]
    targets: NDArray[np.int64] | None


def craft(cell: Cell, setting: Setting, batch: Batch, context: Context) -> Crafted:
    """Attack the samples that are right on the clean image; the others are errors already."""
    import torch

    from roadworthy.engine.attacked import SPENT, attack

    x = clean_input(cell, setting, batch.positions, context)
    targets = targets_of(cell, setting, batch, context.seed)
    tried = np.array([i not in batch.failures for i in range(len(x))])
    active = np.flatnonzero(is_right(batch) & tried)
    adversarial = x.clone()
    columns: dict[str, Any] = {name: np.zeros(0, np.int64) for name in SPENT}
    if len(active):
        chosen = torch.from_numpy(active).to(x.device)
        done = attack(
            cell,
            setting,
            x[chosen],
            batch.labels[active].astype(np.int64),
            samples=[batch.samples[i] for i in active.tolist()],
            clean=batch.clean[active],
            targets=None if targets is None else targets[active],
            seed=context.seed,
        )
        adversarial[chosen], columns = done.x, dict(done.columns)
    attacked = np.isin(np.arange(len(x)), active)
    spent = {name: _spread(values, attacked) for name, values in columns.items()}
    return Crafted(x, adversarial, attacked, spent, targets)


def clean_input(cell: Cell, setting: Setting, positions: Sequence[int], context: Context) -> Any:
    """Return the frames of the samples at ``positions`` as a float batch, as they are."""
    return to_input(context.frames.stack(cell.product(setting)[0], positions), context.device)


def is_right(batch: Batch) -> NDArray[np.bool_]:
    """Return which samples the judge of the batch has right on the clean image, (N,)."""
    right = batch.clean.argmax(axis=1) == batch.labels
    return np.asarray(right & np.isfinite(batch.clean).all(axis=1))


def attacked(cell: Cell, setting: Setting, crafted: Crafted, batch: Batch) -> Variant:
    """Return what was crafted as a variant that the judge of ``cell`` has to face.

    What the attack spent stands with the model that was attacked alone. Another judge is fooled only
    if it was right before.
    """
    own, right = not cell.made_by, is_right(batch)
    tried = crafted.attacked if own else crafted.attacked & right
    measured = _measured(cell, setting, crafted, tried, crafted.spent if own else {})
    return Variant(
        setting,
        crafted.x,
        cell.classifier,
        measured if crafted.targets is None else {**measured, "target": crafted.targets},
        np.where(tried if own else right, "ok", "clean_error").tolist(),
    )


def targets_of(cell: Cell, setting: Setting, batch: Batch, seed: int) -> NDArray[np.int64] | None:
    """Return the output that each image should be taken for, or None for untargeted attacks."""
    rule = setting.arguments["target"]
    if rule == "none":
        return None
    found = np.zeros(len(batch.samples), np.int64)
    for index, sample in enumerate(batch.samples):
        label, clean = int(batch.labels[index]), batch.clean[index]
        try:
            target = target_of(rule, sample, label, clean, cell.relation, seed)
        except SampleError as error:
            batch.failures[index] = str(error)
        else:
            found[index] = label if target is None else target
    return found


def _measured(
    cell: Cell,
    setting: Setting,
    crafted: Crafted,
    attacked: NDArray[np.bool_],
    spent: Mapping[str, Any],
) -> dict[str, Any]:
    """Return distances, the verdict after rounding to 8 bits, and what the attack spent."""
    difference = (crafted.x - crafted.clean).flatten(1)
    rounded = (crafted.x * 255.0).round().clamp(0.0, 255.0) / 255.0
    logits = forward(cell.classifier, rounded, name=cell.judge.spec)
    return {
        **({"eps_numerator": setting.arguments["eps"]} if "eps" in setting.arguments else {}),
        "norm": setting.arguments.get("norm", cell.stress.name),
        "linf": difference.abs().amax(1).cpu().numpy(),
        "l2": difference.norm(dim=1).cpu().numpy(),
        "l1": difference.abs().sum(1).cpu().numpy(),
        "l0": (difference != 0).sum(1).cpu().numpy(),
        "pred8": logits.argmax(axis=1),
        "attacked": attacked,
        **spent,
    }


def _spread(values: Any, attacked: NDArray[np.bool_]) -> Any:
    """Return the values of the attacked images for the whole batch: 0, or nothing, for the others."""
    if isinstance(values, np.ndarray):
        whole = np.zeros(len(attacked), values.dtype)
        whole[attacked] = values
        return whole
    each = iter(values)
    return [next(each) if there else None for there in attacked.tolist()]
