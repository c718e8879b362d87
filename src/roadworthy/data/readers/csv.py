"""A table with the columns file and label; paths are relative to the table, or absolute."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.data.base import Images, content_of, dataset, unique_ids
from roadworthy.data.classes import WNID, check_declared, check_index, index_labels
from roadworthy.data.files import existing, read_file
from roadworthy.data.remember import content_digests
from roadworthy.data.table import Table, read_table
from roadworthy.errors import UsageError
from roadworthy.types import Classes, Dataset, Sample


@dataset
def csv(
    path: str, *, file: str = "file", label: str = "label", classes: int | None = None
) -> Dataset:
    """Read a table of images: the columns named by ``file`` and ``label``, others are kept.

    Labels are class indices (``classes`` may declare how many classes there are), WordNet ids or
    names; a column ``target`` is read in the same way. With indices, a column ``synset`` or
    ``wnid``, and a column ``name``, say what the indices mean. A repeated file gets the id
    ``path#2``. A missing image fails when it is read, unless all are missing. Raises UsageError
    naming the file and the line.
    """
    spec = f"csv:{path}"
    check_declared(classes, spec)
    where = existing(path, "csv", folder=False)
    table = read_table(where, required=(file, label))
    files = [text.strip() for text in table.column(file)]
    if "" in files:
        raise UsageError(f"{table.where(files.index(''))}: the column '{file}' is empty")
    labels, meaning = index_labels(table.column(label), where=table.where, classes=classes)
    if meaning.names is None and meaning.wnids is None:
        meaning = _with_evidence(table, labels, meaning, skip=(file, label))
    columns = _columns(table, meaning, skip=(file, label))
    places = [os.path.abspath(where.parent / text) for text in files]
    digests = content_digests(places)
    if not any(digests):
        raise UsageError(
            f"{spec}: none of its {len(files)} images can be found; the first is {places[0]}; "
            f"expected paths relative to {where.parent}, or absolute"
        )
    samples = [
        Sample(name, number, content_of(digest or "missing", number, extra), place, extra)
        for name, number, digest, place, extra in zip(
            unique_ids(files), labels, digests, places, columns, strict=True
        )
    ]
    return Images(spec, meaning, samples, read_file)


def _with_evidence(
    table: Table, labels: Sequence[int], meaning: Classes, *, skip: Sequence[str]
) -> Classes:
    """Add what other columns say about the indices; labels that do not occur stay empty texts."""
    size = max(max(labels) + 1, meaning.count or 0)
    found: dict[str, tuple[str, ...]] = {}
    for column, kind in (("synset", "wnids"), ("wnid", "wnids"), ("name", "names")):
        if column in skip or column not in table.header or kind in found:
            continue
        texts = [text.strip() for text in table.column(column)]
        if kind == "wnids" and not all(WNID.fullmatch(text) for text in texts if text):
            continue
        by_label: dict[int, str] = {}
        agree = all(
            by_label.setdefault(n, text) == text
            for n, text in zip(labels, texts, strict=True)
            if text
        )
        if by_label and agree and len(set(by_label.values())) == len(by_label):
            found[kind] = tuple(by_label.get(n, "") for n in range(size))
    return Classes(meaning.count, names=found.get("names"), wnids=found.get("wnids"))


def _columns(table: Table, meaning: Classes, *, skip: Sequence[str]) -> list[Mapping[str, Any]]:
    kept = [name for name in table.header if name not in skip]
    values: list[Sequence[Any]] = [table.column(name) for name in kept]
    if "target" in kept:
        values[kept.index("target")] = _targets(table, meaning)
    rows = zip(*values, strict=True) if kept else (() for _ in table.rows)
    return [dict(zip(kept, row, strict=True)) for row in rows]


def _targets(table: Table, meaning: Classes) -> list[int | None]:
    words = meaning.wnids or meaning.names if meaning.count else None
    position = {word: i for i, word in enumerate(words or ()) if word}
    out: list[int | None] = []
    for i, value in enumerate(table.column("target")):
        text = value.strip()
        if not text:
            out.append(None)
        elif text in position:
            out.append(position[text])
        elif text.isascii() and text.isdigit() and len(text) < 12:
            out.append(check_index(int(text), table.where(i), meaning.count))
        else:
            raise UsageError(
                f"{table.where(i)}: target '{text}' is not a class; expected a class index "
                f"or one of the labels"
            )
    return out
