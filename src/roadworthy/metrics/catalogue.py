"""All metrics by name: those of this package's files and those of plug-ins."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import polars as pl

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean
from roadworthy.metrics.base import Estimate, MetricDefinition, Rows
from roadworthy.metrics.seen import distinct
from roadworthy.registry import Definition

GROUP = "roadworthy.metrics"
USABLE = ("ok", "clean_error")
UNREAD = (
    *("conf_label", "margin", "entropy", "top5_ref", "correct_subset", "correct_full"),
    *("borderline", "content"),
)
"""Columns of records that no metric of this package looks at."""
OF_TARGETS = ("top5",)
"""Columns that metrics look at only where ``target`` says something."""
DefinitionT = TypeVar("DefinitionT", bound=Definition)


class Catalogue(Mapping[str, MetricDefinition]):
    """Metrics by name, sorted; modules and plug-ins are imported when it is first asked.

    A file of the package may define several metrics. An entry point of the group
    ``roadworthy.metrics`` names one metric. Raises RoadworthyError for a plug-in that cannot be
    loaded, is no metric or takes a name in use, UsageError for an unknown name.
    """

    @cached_property
    def _items(self) -> Mapping[str, MetricDefinition]:
        items = {item.name: item for item in definitions(MetricDefinition)}
        for point in entry_points(group=GROUP):
            item = _load(point)
            if item.name in items:
                raise RoadworthyError(
                    f"plug-in metric '{item.name}' ({point.value}): another metric already has "
                    f"this name; rename it or uninstall one of the two"
                )
            items[item.name] = item
        return dict(sorted(items.items()))

    def __getitem__(self, name: str) -> MetricDefinition:
        if name not in self._items:
            raise UsageError(
                f"no metric is called '{name}'{did_you_mean(name, self._items)} "
                f"(`roadworthy ls metrics` shows every name)"
            )
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


METRICS: Mapping[str, MetricDefinition] = Catalogue()


def evaluate_all(rows: Rows, clean: Rows | None) -> list[tuple[MetricDefinition, Estimate]]:
    """Return every metric that applies to one cell, in the order of names.

    ``rows`` are the records of one (model, data, source, stress, variant); ``clean`` those of the
    same model, data and frame under the stress ``clean``, or None where there are none: paired
    metrics are then left out. Rows that failed or were skipped are ignored.
    """
    rows, reference = usable(rows), None if clean is None else usable(clean)
    rows, reference = _numbered(rows, reference)
    results = []
    for definition in METRICS.values():
        if (definition.paired and reference is None) or not definition.may_apply(rows):
            continue
        frames = (rows, reference) if definition.paired else (rows,)
        result = definition.function(*frames)
        if result is not None:
            results.append((definition, result))
    return results


def unread() -> tuple[str, ...]:
    """Return the columns that no metric looks at; none where a plug-in may look at any of them."""
    ours = all(m.function.__module__.startswith("roadworthy.metrics.") for m in METRICS.values())
    return UNREAD if ours else ()


def failed(rows: Rows) -> frozenset[Any]:
    """Return the samples that could not be judged in some row."""
    if "failed" not in distinct(rows, "status"):
        return frozenset()
    return frozenset(rows.filter(pl.col("status") == "failed")["sample"])


def usable(rows: Rows) -> Rows:
    """Return the rows that metrics are about, in which a sample was judged; all of them as they are."""
    if set(distinct(rows, "status")) <= set(USABLE):
        return rows
    return rows.filter(pl.col("status").is_in(USABLE))


def _numbered(rows: Rows, clean: Rows | None) -> tuple[Rows, Rows | None]:
    """Replace sample ids by their rank: sorted once instead of once a metric, and small to join.

    Where they are numbers already, rows are sorted by them.
    """
    if rows["sample"].dtype.is_integer():
        return rows, clean
    parts = [rows["sample"]] if clean is None else [rows["sample"], clean["sample"]]
    ids = pl.concat(parts).unique().sort()
    rank = pl.DataFrame({"sample": ids}).with_row_index("rank")

    def number(frame: Rows) -> Rows:
        ranked = frame.join(rank, on="sample", how="left", maintain_order="left")
        return ranked.with_columns(sample=pl.col("rank")).drop("rank").sort("sample", "variant")

    return number(rows), None if clean is None else number(clean)


def definitions(kind: type[DefinitionT]) -> Iterator[DefinitionT]:
    """Yield the definitions of one kind in the files of this package, file by file."""
    package = importlib.import_module("roadworthy.metrics")
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for item in vars(module).values():
            if isinstance(item, kind) and item.function.__module__ == module.__name__:
                yield item


def _load(point: EntryPoint) -> MetricDefinition:
    try:
        item = point.load()
    except Exception as error:  # whatever a plug-in raises while it is imported
        raise RoadworthyError(
            f"plug-in metric '{point.name}' ({point.value}) cannot be loaded: {error}; "
            f"repair or uninstall it"
        ) from error
    if not isinstance(item, MetricDefinition):
        raise RoadworthyError(
            f"plug-in '{point.name}' ({point.value}) is not a metric: "
            f"its entry point must name a function decorated with @metric"
        )
    return item
