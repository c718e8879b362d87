"""From judged variants to records in the one schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from roadworthy.engine.plan import Cell
from roadworthy.engine.records import SCHEMA
from roadworthy.engine.verdict import without_scores
from roadworthy.stress.bound import Setting
from roadworthy.stress.changes import modifies
from roadworthy.types import Sample, Tap, says_scores

ORDER = "_position"
EVERYTHING: Mapping[str, pl.DataType] = {**SCHEMA, ORDER: pl.Int64()}
SEEN = ("sample", "correct", "frames_correct")


def constants(cell: Cell) -> dict[str, Any]:
    """Return the columns that are the same in every record of a cell."""
    definition, judge = cell.stress.definition, cell.judge
    spec = cell.stress.spec
    return {
        "data": cell.source.dataset.spec,
        "model": judge.spec,
        "model_id": judge.model.id,
        "modifier": spec if modifies(cell.stress) else None,
        "source": _source(cell),
        "stress": spec,
        "version": definition.version,
        "request": cell.request,
        "frame_size": f"{cell.size[0]}x{cell.size[1]}",
        "precision": judge.precision,
        "family": judge.metadata.family,
        "training": judge.metadata.training,
        "pretraining": judge.metadata.pretraining,
        "parameters": judge.metadata.parameters,
    }


def _source(cell: Cell) -> str | None:
    """Return whose adversarials these are; of clean images, whose frame if it is another model's."""
    if cell.maker is not None:
        return cell.maker.spec
    return cell.judge.spec if cell.stress.definition.tap is Tap.INPUT else cell.owner or None


@dataclass(frozen=True)
class Judged:
    """One batch under one setting: ``columns`` hold arrays, lists or constants, ``order`` positions."""

    setting: Setting
    samples: Sequence[Sample]
    columns: Mapping[str, Any]
    order: Sequence[int]

    def seen(self) -> pl.DataFrame:
        """Return the little of the records that those who watch want at once."""
        known = {"sample": [s.id for s in self.samples], ORDER: list(self.order), **self.columns}
        wanted = {name: SCHEMA.get(name, pl.Int64()) for name in (*SEEN, ORDER)}
        return _typed(known, len(self.samples), wanted)


def judged_rows(cell: Cell, batches: Sequence[Judged]) -> pl.DataFrame:
    """Return the records of all ``batches``, setting by setting.

    A table is made once for all batches of a setting: making one costs more than its rows.
    """
    settings = {batch.setting.key: batch.setting for batch in batches}
    return pl.concat(
        _of_setting(cell, setting, [b for b in batches if b.setting.key == key])
        for key, setting in settings.items()
    )


def _of_setting(cell: Cell, setting: Setting, batches: Sequence[Judged]) -> pl.DataFrame:
    samples = [sample for batch in batches for sample in batch.samples]
    columns = _joined(batches)
    if not says_scores(cell.judge.model):
        columns = without_scores(columns)
    values: dict[str, Any] = {
        "sample": [s.id for s in samples],
        "content": [s.content for s in samples],
        "variant": setting.key,
        "status": "ok",
        "pipeline": str(cell.pipeline_of(setting)),
        ORDER: [position for batch in batches for position in batch.order],
        **constants(cell),
        "severity": _stored_severities(cell, samples),
        **_eps(columns),
    }
    return _typed(values, len(samples))


def _joined(batches: Sequence[Judged]) -> dict[str, Any]:
    """Join the columns of batches; a constant stays one where all agree."""
    joined: dict[str, Any] = {}
    for name in dict.fromkeys(name for batch in batches for name in batch.columns):
        parts: list[Any] = [batch.columns.get(name) for batch in batches]
        if all(isinstance(part, np.ndarray) for part in parts):
            joined[name] = np.concatenate(parts)
        elif any(isinstance(part, np.ndarray | list) for part in parts):
            listed = [_listed(p, len(b.samples)) for p, b in zip(parts, batches, strict=True)]
            joined[name] = [value for part in listed for value in part]
        else:
            joined[name] = parts[0]
    return joined


def _listed(part: Any, count: int) -> list[Any]:
    if isinstance(part, np.ndarray):
        part = part.tolist()
    return part if isinstance(part, list) else [part] * count


def _stored_severities(cell: Cell, samples: Sequence[Sample]) -> list[int | None] | None:
    """Return the severities that a stored set brings with its samples."""
    if getattr(cell.source.dataset, "frame", "own") == "own":
        return None
    return [sample.columns.get("severity") for sample in samples]


def failed_rows(
    cell: Cell, samples: Sequence[Sample], reasons: Sequence[str], *, order: Sequence[int]
) -> pl.DataFrame:
    """Return one record for each sample that could not be judged, with the reason."""
    values = {
        "sample": [s.id for s in samples],
        "content": [s.content for s in samples],
        "variant": "",
        "status": "failed",
        "reason": list(reasons),
        "pipeline": str(cell.pipeline),
        ORDER: list(order),
        **constants(cell),
    }
    return _typed(values, len(samples))


def collected(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return all records in sample order, then in the order of the settings."""
    everything = pl.concat(frames) if frames else _typed({ORDER: []}, 0)
    return everything.sort(ORDER, maintain_order=True).drop(ORDER)


def _eps(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``columns`` with an exact budget spread over its three columns."""
    if "eps_numerator" not in columns:
        return dict(columns)
    budget = columns["eps_numerator"]
    exact = Fraction(budget).limit_denominator(10**9)
    return {
        **columns,
        "eps_numerator": exact.numerator,
        "eps_denominator": exact.denominator,
        "eps": float(budget),
    }


def _typed(
    values: Mapping[str, Any], count: int, schema: Mapping[str, pl.DataType] = EVERYTHING
) -> pl.DataFrame:
    series = []
    for name, dtype in schema.items():
        value = values.get(name)
        if isinstance(value, np.ndarray):
            series.append(pl.Series(name, value).cast(dtype))
        elif isinstance(value, list):
            series.append(pl.Series(name, value, dtype=dtype))
        else:
            series.append(_repeated(name, value, dtype, count))
    return pl.DataFrame(series)


@lru_cache(maxsize=512, typed=True)
def _repeated(name: str, value: Any, dtype: pl.DataType, count: int) -> pl.Series:
    # Most columns say the same in every batch of a run, and making one costs more than its rows.
    return pl.repeat(value, count, dtype=dtype, eager=True).alias(name)
