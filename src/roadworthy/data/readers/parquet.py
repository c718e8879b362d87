"""A Parquet file, or a folder of shards, in the Hugging Face layout or with flat columns."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.data.base import Images, content_of, dataset, unique_ids
from roadworthy.data.classes import check_declared, check_index, index_labels, named
from roadworthy.data.columns import choose_columns, features, guarded, scan
from roadworthy.data.files import existing, printable
from roadworthy.data.remember import content_digests
from roadworthy.data.shards import rows_of
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.types import Classes, Dataset, Sample

_SPLIT = re.compile(r"(.+?)-[0-9]{5}-of-[0-9]{5}.*\.parquet")


@dataset
def parquet(
    path: str,
    *,
    image: str | None = None,
    label: str | None = None,
    split: str | None = None,
    classes: int | None = None,
) -> Dataset:
    """Read encoded images and labels from one Parquet file or all ``*.parquet`` of a folder.

    ``image`` names a column of bytes, or of structs with a field ``bytes``; ``label`` a column of
    class indices or names; both are found where they have a usual name. ``split`` picks the
    shards of one split. Class names come from the Hugging Face key of the schema metadata, unless
    ``classes`` declares a plain count. Samples are called ``file#row``; scalar columns are kept.
    Raises UsageError naming the file and the row.
    """
    spec = f"parquet:{path}"
    check_declared(classes, spec)
    files = _shards(existing(path, "parquet", folder=None), split, spec)
    paths = [os.fspath(file.resolve()) for file in files]
    image, label = choose_columns(paths[0], image, label, spec)
    tables = [_table(shard, image, label, spec) for shard in paths]
    places = [(s, row) for s, table in enumerate(tables) for row in range(table.height)]
    if not places:
        raise UsageError(f"{spec}: no rows; expected one row an image")
    ids = unique_ids([f"{printable(files[s].name)}#{row}" for s, row in places])
    values = [value for table in tables for value in table[label].to_list()]
    declared = None if classes is not None else _declared(paths, label, spec)
    labels, meaning = _index(values, ids, declared, classes)
    sources = content_digests(paths)
    rows = (row for table in tables for row in table.drop(label).iter_rows(named=True))
    samples = [
        Sample(name, number, content_of(f"{sources[place[0]]}#{place[1]}", number, row), place, row)
        for name, number, place, row in zip(ids, labels, places, rows, strict=True)
    ]
    return Images(spec, meaning, samples, rows_of(paths, image))


def _shards(where: Path, split: str | None, spec: str) -> list[Path]:
    if not where.is_dir():
        return [where]
    files = sorted(file for file in where.glob("*.parquet") if not file.name.startswith("."))
    if not files:
        raise UsageError(f"{spec}: no file in it ends in .parquet; expected shards of one data set")
    splits = {file: match[1] for file in files if (match := _SPLIT.fullmatch(file.name))}
    known = sorted(set(splits.values()))
    if split is not None:
        if split not in known:
            listed = ", ".join(known) or "no split"
            raise UsageError(
                f"{spec}: no shards of the split '{split}'{did_you_mean(split, known)}; "
                f"found {listed} (shards are called SPLIT-00000-of-00002.parquet)"
            )
        return [file for file in files if splits.get(file) == split]
    if len(known) > 1:
        raise UsageError(
            f"{spec}: holds several splits ({', '.join(known)}), which would be mixed; "
            f"name one: {spec}(split={known[0]})"
        )
    return files


def _table(path: str, image: str, label: str, spec: str) -> pl.DataFrame:
    """Return the label and all scalar columns of one shard; the images stay on disk."""

    def read() -> pl.DataFrame:
        table = scan(path)
        schema = table.collect_schema()
        for name in (image, label):
            if name not in schema:
                raise UsageError(f"{spec}: {path} has no column '{name}', the first shard has")
        plain = [
            name
            for name, dtype in schema.items()
            if name not in (image, label) and not dtype.is_nested() and dtype != pl.Binary
        ]
        return table.select(label, *plain).collect()

    return guarded(read, f"{spec}: {path}", UsageError)


def _declared(paths: Sequence[str], label: str, spec: str) -> Classes | None:
    found: dict[tuple[str, ...] | int, str] = {}
    for path in paths:
        feature = features(path).get(label)
        if not isinstance(feature, dict):
            continue
        names, count = feature.get("names"), feature.get("num_classes")
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            found.setdefault(tuple(names), path)
        elif isinstance(count, int) and count > 0:
            found.setdefault(count, path)
    if len(found) > 1:
        first, second = list(found.values())[:2]
        raise UsageError(
            f"{spec}: {first} and {second} declare different classes for '{label}'; "
            f"expected shards of one data set"
        )
    for declared in found:
        return Classes(declared) if isinstance(declared, int) else named(declared)
    return None


def _index(
    values: Sequence[Any], ids: Sequence[str], declared: Classes | None, classes: int | None
) -> tuple[list[int], Classes]:
    first = next((value for value in values if value is not None), None)
    for name, value in zip(ids, values, strict=True):
        if value is None:
            raise UsageError(f"{name}: the label is missing; expected a class index or name")
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise UsageError(
                f"{name}: the label is of type {type(value).__name__}; expected a class index "
                f"or name; name another column: parquet:FILE(label=COLUMN)"
            )
    if isinstance(first, str):
        known = declared.names or declared.wnids if declared else None
        if known and set(values) <= set(known):
            position = {name: i for i, name in enumerate(known)}
            return [position[value] for value in values], declared or named(known)
        return index_labels(values, where=lambda i: ids[i], classes=classes)
    meaning = declared or Classes(classes)
    return [check_index(v, n, meaning.count) for n, v in zip(ids, values, strict=True)], meaning
