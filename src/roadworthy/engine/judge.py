"""Judging one part: all variants of one cell on the samples of one part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.engine.batch import Batches
from roadworthy.engine.forward import finite, forward
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import ORDER, Judged, collected, failed_rows, judged_rows
from roadworthy.engine.taps import Batch, Context, Variant, facts_of, sequences, variants
from roadworthy.engine.verdict import verdicts
from roadworthy.metrics.ranks import top5_distance, zipf_distance
from roadworthy.stress.bound import Setting
from roadworthy.stress.reference import is_clean
from roadworthy.types import Logits, Sample

FILMS_AT_ONCE = 32
"""Films that are decoded at the same time: 31 frames of 224 x 224 take 5 MB each."""

Progress = Callable[[pl.DataFrame], None]


def judge_part(
    cell: Cell,
    samples: Sequence[Sample],
    positions: Sequence[int],
    *,
    clean: dict[int, Logits],
    batches: Batches,
    context: Context,
    progress: Progress,
) -> pl.DataFrame:
    """Return the records of ``cell`` on ``samples``, which stand at ``positions`` of the block.

    ``clean`` holds the logits of the unstressed image by position. A sample that fails under any
    variant becomes one record with status ``failed``.
    """
    reasons = unreadable(cell, positions, context)
    usable = [i for i in range(len(samples)) if i not in reasons]
    found: list[Judged] = []

    def judged(chosen: list[int]) -> tuple[list[Judged], dict[int, str]]:
        size = len(chosen) if cell.films is None else FILMS_AT_ONCE
        pieces = [piece(chosen[i : i + size]) for i in range(0, len(chosen), size)]
        rows = [row for found, _ in pieces for row in found]
        return rows, {index: reason for _, bad in pieces for index, reason in bad.items()}

    def piece(chosen: list[int]) -> tuple[list[Judged], dict[int, str]]:
        batch = Batch(
            samples=[samples[i] for i in chosen],
            positions=[positions[i] for i in chosen],
            labels=np.array([cell.relation.target_of(samples[i].label) for i in chosen], np.int32),
            clean=np.stack([clean[positions[i]] for i in chosen]),
            facts=facts_of(cell, [positions[i] for i in chosen], context),
        )
        rows = list(_batch_rows(cell, batch, chosen, context))
        return rows, {chosen[i]: reason for i, reason in batch.failures.items()}

    # The clean logits are there already: nothing goes through the model, so one slice will do.
    whole = is_clean(cell.stress.spec) and cell.films is None and usable
    slices = [(usable, judged(usable))] if whole else batches.slices(cell, usable, judged)
    for _, (batch_rows, failures) in slices:
        reasons |= failures
        found.extend(batch_rows)
        progress(seen_rows(batch_rows, reasons))
    return part_rows(cell, samples, found, reasons)


def part_rows(
    cell: Cell, samples: Sequence[Sample], found: Sequence[Judged], reasons: Mapping[int, str]
) -> pl.DataFrame:
    """Return the records of a part: what was judged, and a row for each sample that failed."""
    frames = [judged_rows(cell, found)] if found else []
    bad = sorted(reasons)
    if bad:
        kept = [frame.filter(~pl.col(ORDER).is_in(bad)) for frame in frames]
        failed = failed_rows(cell, [samples[i] for i in bad], [reasons[i] for i in bad], order=bad)
        frames = [*kept, failed]
    return collected(frames)


def seen_rows(batch_rows: Sequence[Judged], reasons: Mapping[int, str]) -> pl.DataFrame:
    """Return what those who watch want of rows that were just judged; samples that failed are out."""
    seen = pl.concat([rows.seen() for rows in batch_rows])
    return seen.filter(~pl.col(ORDER).is_in(list(reasons))) if reasons else seen


def unreadable(cell: Cell, positions: Sequence[int], context: Context) -> dict[int, str]:
    """Return why samples cannot be judged, by their index in ``positions``."""
    failures = [context.frames.failures.get(product, {}) for product in cell.products()]
    reasons = {}
    for index, position in enumerate(positions):
        reason = next((failed[position] for failed in failures if position in failed), None)
        if reason:
            reasons[index] = reason
    return reasons


def _batch_rows(
    cell: Cell, batch: Batch, order: Sequence[int], context: Context
) -> Iterator[Judged]:
    if cell.stress.definition.sequence or cell.films is not None:
        for setting in cell.stress.settings:
            yield _sequence_rows(cell, setting, batch, order, context)
        return
    if is_clean(cell.stress.spec):
        setting = cell.stress.settings[0]
        verdict = _verdicts(cell, batch, batch.clean)
        yield Judged(setting, batch.samples, {**verdict, **batch.facts}, order)
        return
    for variant in variants(cell, batch, context):
        yield variant_rows(cell, variant, batch, order)


def variant_rows(cell: Cell, variant: Variant, batch: Batch, order: Sequence[int]) -> Judged:
    """Return the records of one variant of a batch, whose samples stand at ``order`` of the part."""
    logits = _judged(cell, variant, batch)
    columns = {**_verdicts(cell, batch, logits), **variant.columns, **batch.facts}
    if "pred8" in columns:
        # Handed on, a distance is no longer the smallest of anything but a fact.
        columns |= _reached(columns, cell.stress.definition.minimal and not cell.made_by)
    if variant.status is not None:
        columns["status"] = list(variant.status)
    return Judged(variant.setting, batch.samples, columns, order)


DISTANCES = ("linf", "l2", "l1", "l0")


def _reached(columns: dict[str, Any], minimal: bool) -> dict[str, Any]:
    """Return whether attacks reached their goal, also after rounding, and distances that count.

    ``success`` is null for images that were not attacked. The distance of a minimal attack that
    failed is none: how far it got by then says nothing about the model.
    """
    attacked, pred8 = columns.pop("attacked"), columns.pop("pred8")
    if "target" in columns:
        done, done8 = columns["pred"] == columns["target"], pred8 == columns["target"]
    else:
        done, done8 = columns["pred"] != columns["label"], pred8 != columns["label"]
    found: dict[str, Any] = {
        "success": [bool(d) if a else None for d, a in zip(done, attacked, strict=True)],
        "ok8": attacked & done & done8,
    }
    if minimal:
        counts = done | ~attacked
        for name in DISTANCES:
            pairs = zip(columns[name].tolist(), counts.tolist(), strict=True)
            found[name] = [value if there else None for value, there in pairs]
    return found


def _judged(cell: Cell, variant: Variant, batch: Batch) -> Logits:
    logits = variant.logits
    if logits is None:
        logits = forward(variant.judge, variant.x, name=cell.judge.spec)
    return _without_nan(variant.setting, logits, batch)


def _without_nan(setting: Setting, logits: Logits, batch: Batch) -> Logits:
    """Report samples whose logits are not finite; their rows are dropped, so any number will do."""
    good = finite(logits)
    for index in np.flatnonzero(~good).tolist():
        where = f" under {setting.key}" if setting.key else ""
        batch.failures[index] = (
            f'"{batch.samples[index].id}": the model gave NaN or infinite logits{where}; '
            f"look at its weights with `roadworthy check`"
        )
    return logits if good.all() else np.where(good[:, None], logits, np.float32(0.0))


def verdicts_of(
    cell: Cell, setting: Setting, batch: Batch, logits: Logits
) -> dict[str, NDArray[Any]]:
    """Return the verdict columns of a batch; samples whose logits are not finite fail in it."""
    return _verdicts(cell, batch, _without_nan(setting, logits, batch))


def _verdicts(cell: Cell, batch: Batch, logits: Logits) -> dict[str, NDArray[Any]]:
    logits = _without_nan(cell.stress.settings[0], logits, batch)
    clean = np.where(finite(batch.clean)[:, None], batch.clean, np.float32(0.0))
    found = verdicts(logits, batch.labels, subset=cell.relation.subset, clean=clean)
    if cell.stress.definition.axis == "systematic":
        # rankings cost a sort of all classes, and are only ever compared between deployments
        found["zipf_ref"] = zipf_distance(clean, logits)
        found["top5_ref"] = top5_distance(clean, logits)
    return found


def _sequence_rows(
    cell: Cell, setting: Setting, batch: Batch, order: Sequence[int], context: Context
) -> Judged:
    frames = cell.sequence(setting)
    kept: dict[int, Logits] = {}  # the logits that later frames are still compared with
    values: dict[str, list[NDArray[Any]]] = {
        "frames_pred": [],
        "frames_conf": [],
        "frames_flip": [],
        "frames_top5_distance": [],
        "frames_zipf": [],
    }
    there: dict[str, list[NDArray[np.bool_] | None]] = {name: [] for name in values}
    for number, variant in sequences(cell, setting, batch, context):
        logits = _without_nan(setting, _judged(cell, variant, batch), batch)
        columns = _verdicts(cell, batch, logits)
        values["frames_pred"].append(columns["pred"])
        values["frames_conf"].append(columns["conf"])
        reference = frames.reference(number)
        if reference is not None:
            before = kept[reference] if frames.stride is None else kept.pop(reference)
            values["frames_flip"].append(before.argmax(axis=1) != columns["pred"])
            values["frames_top5_distance"].append(top5_distance(before, logits))
            values["frames_zipf"].append(zipf_distance(before, logits))
        for name, value in values.items():
            there[name].extend([variant.there] * (len(value) - len(there[name])))
        if frames.stride is not None or number == 0:
            kept[number] = logits
    listed: dict[str, Any] = {
        name: _lists(value, there[name], len(batch.samples)) for name, value in values.items()
    }
    listed["label"] = batch.labels
    listed["frames_correct"] = [
        [pred == label for pred in preds]
        for preds, label in zip(listed["frames_pred"], batch.labels.tolist(), strict=True)
    ]
    return Judged(setting, batch.samples, {**listed, **batch.facts}, order)


def _lists(
    values: Sequence[NDArray[Any]], there: Sequence[NDArray[np.bool_] | None], count: int
) -> list[list[Any]]:
    """Return a list for each sample of its values frame by frame, where the frame was there."""
    if not values:
        return [[] for _ in range(count)]
    listed: list[list[Any]] = np.stack(values, axis=1).tolist()
    if there[0] is None:
        return listed
    known = np.sum([mask for mask in there if mask is not None], axis=0).tolist()
    # a film that ends earlier than others has no later frames
    return [row[:length] for row, length in zip(listed, known, strict=True)]
