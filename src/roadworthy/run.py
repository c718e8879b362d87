"""A run on disk: its current records, its summary, and the images behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from roadworthy.engine.parts import Part
from roadworthy.engine.records import SCHEMA
from roadworthy.engine.store import Store, empty_rows
from roadworthy.errors import RoadworthyError

if TYPE_CHECKING:
    from altair import LayerChart

    from roadworthy.metrics.base import Estimate
    from roadworthy.report.evidence import Evidence


@lru_cache(maxsize=1024)
def _said(name: str, value: str | int | None) -> pl.Expr:
    """Return a column of records that says ``value`` in every row."""
    return pl.lit(value, dtype=SCHEMA[name]).alias(name)


@dataclass(frozen=True)
class CellRecord:
    """One cell as an invocation asked for it: which request, on which samples.

    ``source`` is the model that adversarials were taken over from, if it is another than ``model``;
    ``frame`` the model in whose frame the images are, if that is not ``model``'s own. For ``clean``
    in such a frame both name that model.
    """

    data: str
    model: str
    stress: str
    precision: str
    request: str
    manifest: str
    source: str = ""
    frame: str = ""

    @property
    def judge(self) -> str:
        """The model as it is shown; a precision other than float32 is part of its name."""
        return self.model if self.precision == "fp32" else f"{self.model} [{self.precision}]"


class Run:
    """What stands in the folder of a run; all readers of records go through `scan`.

    Where several invocations asked for the same (data, model, stress, precision, source), the newest
    decides, and its list of samples with it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.store = Store.open(Path(folder))
        self.folder = self.store.folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        from roadworthy.exporting.notebook import shown

        return shown(self._evidence.summary, str(self.folder))

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """What each invocation said of itself, oldest first."""
        return self.store.runs()

    @cached_property
    def cells(self) -> list[CellRecord]:
        """The current cells, in the order in which they were first asked for."""
        found: dict[tuple[str, ...], CellRecord] = {}
        for run in self.runs:
            for cell in run["cells"]:
                record = CellRecord(**cell)
                key = (record.data, record.model, record.stress, record.precision, record.source)
                found[key] = record
        return list(found.values())

    @cached_property
    def _files(self) -> tuple[list[Part], list[Path]]:
        return self.store.parts()

    @cached_property
    def _parts(self) -> dict[str, list[Part]]:
        parts: dict[str, list[Part]] = {}
        for part in self._files[0]:
            parts.setdefault(part.request, []).append(part)
        return parts

    @cached_property
    def damaged(self) -> list[Path]:
        """Files of this run that are not what was written: parts, and lists of samples."""
        missing = {cell.manifest for cell in self.cells if self.manifest(cell.manifest) is None}
        lists = [self.folder / "manifests" / f"{name}.parquet" for name in sorted(missing)]
        return [*self._files[1], *lists]

    @cached_property
    def foreign(self) -> list[Path]:
        """Good parts that no command of this run asked for: they came from another one."""
        asked = {cell["request"] for run in self.runs for cell in run["cells"]}
        return [part.path for part in self._files[0] if part.request not in asked]

    def manifest(self, name: str) -> pl.DataFrame | None:
        """Return sample, content and position of a list of samples; None where it is damaged."""
        known: dict[str, pl.DataFrame | None] = self.__dict__.setdefault("_manifests", {})
        if name not in known:
            try:
                known[name] = self.store.manifest(name).select("sample", "content", "position")
            except RoadworthyError:
                known[name] = None
        return known[name]

    def rows_of(self, cell: CellRecord) -> pl.DataFrame:
        """Return the records of one cell in sample order, each (sample, variant) once.

        Parts or a list of samples that are damaged count as absent; `damaged` names them.
        """
        return self._read(self._rows_of, cell)

    def unordered(self, cell: CellRecord, *, without: Sequence[str] = ()) -> pl.DataFrame:
        """Return the records in the parts of a cell as they stand there, whoever asked for them.

        Columns ``without`` which the caller can do are not read, nor are the `constants`, which come
        as one value each.
        """

        def lazily(one: CellRecord) -> pl.LazyFrame:
            rows = self.store.rows_of(self._parts.get(one.request, [])).drop(*without)
            known = [(n, v) for n, v in self.constants(one).items() if n not in without]
            return rows.with_columns(_said(name, value) for name, value in known)

        return self._read(lazily, cell)

    def constants(self, cell: CellRecord) -> Mapping[str, Any]:
        """Return the columns that say the same in all rows of a cell, as far as its parts know."""
        parts = self._parts.get(cell.request, [])
        first = parts[0].same if parts else {}
        return {
            name: value
            for name, value in first.items()
            if name in SCHEMA and all(part.same.get(name, ...) == value for part in parts[1:])
        }

    def standing(self, cell: CellRecord) -> str | None:
        """Return what two cells share whose `unordered` rows are of the same images in the same order.

        None where it is not known, as of a cell whose parts were not joined yet.
        """
        parts = self._parts.get(cell.request, [])
        return parts[0].standing if len(parts) == 1 else None

    def _read(self, lazily: Callable[[CellRecord], pl.LazyFrame], cell: CellRecord) -> pl.DataFrame:
        if not all(part.current for part in self._parts.get(cell.request, [])):
            self._forget_parts()
        try:
            return lazily(cell).collect()
        except (OSError, pl.exceptions.PolarsError):
            self._forget_parts()
            return lazily(cell).collect()

    def _forget_parts(self) -> None:
        """Look again: another process may have joined the parts that we knew, or made some anew."""
        self.__dict__.pop("_files", None)
        self.__dict__.pop("_parts", None)

    def _rows_of(self, cell: CellRecord) -> pl.LazyFrame:
        parts, manifest = self._parts.get(cell.request, []), self.manifest(cell.manifest)
        if not parts or manifest is None:
            return empty_rows().lazy()
        return (
            self.store.rows_of(parts)
            .join(manifest.lazy(), on=["sample", "content"], how="inner", maintain_order="left")
            .sort("position", maintain_order=True)
            .drop("position")
        )

    @cached_property
    def unfinished(self) -> list[tuple[CellRecord, int, int]]:
        """Cells of which samples are not judged yet: the cell, how many are, and of how many."""
        found = []
        for cell in self.cells:
            manifest = self.manifest(cell.manifest)
            wanted = 0 if manifest is None else manifest.height
            members = [m for part in self._parts.get(cell.request, []) for m in part.members]
            judged = sum({str(m["key"]): int(m.get("samples", 0)) for m in members}.values())
            if judged != wanted and members:  # parts of several invocations overlap
                judged = int(
                    self._rows_of(cell).select(pl.col("sample").n_unique()).collect().item()
                )
            if judged < wanted:
                found.append((cell, judged, wanted))
        return found

    def scan(self) -> pl.LazyFrame:
        """Return all current records as a lazy frame; only the columns that are used are read."""
        known = [self._rows_of(cell) for cell in self.cells]
        # Records of earlier versions lack columns.
        return pl.concat([empty_rows().lazy(), *known], how="diagonal")

    def rows(self) -> pl.DataFrame:
        """Return all current records."""
        return self.scan().collect()

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Every metric, as ``summary.json`` holds it."""
        from roadworthy.report.summary import summarise

        return summarise(self)

    @cached_property
    def _evidence(self) -> Evidence:
        from roadworthy.report.evidence import Evidence
        from roadworthy.report.opened import Opened

        return Evidence(Opened(self))

    def table(self, *metrics: str) -> pl.DataFrame:
        """Return the headline metrics, or ``metrics``, as a frame: a row a model, stress and variant.

        Each metric has three columns, ``top1``, ``top1_low`` and ``top1_high``, null where it was not
        measured; ``n`` is the number of images. What an attack made for another model is left out.
        Raises UsageError with the nearest name for a metric that the run has not.
        """
        from roadworthy.exporting.wide import table

        return table(self._evidence.summary, metrics)

    def metric(
        self,
        name: str,
        *,
        stress: str | None = None,
        model: str | None = None,
        data: str | None = None,
        variant: str | None = None,
        source: str | None = None,
    ) -> Estimate:
        """Return one metric: ``value`` with its 95 % interval ``low`` to ``high``, and ``n``.

        ``stress`` may be written as on the command line, one level by itself included, such as
        ``fog(severity=3)``; without one it is ``clean``, or the only stress that has the metric. Enough
        of the name of a model or data set will do, and it is needed only where there are several.
        Raises UsageError with the nearest name for what there is not, and where several values are meant.
        """
        from roadworthy.exporting.one import metric
        from roadworthy.gating.pick import Selection

        wanted = Selection(name, stress, model, data, variant, source)
        return metric(self._evidence.summary, wanted)

    def plot(self, name: str) -> LayerChart:
        """Return a chart of the page as an Altair chart, which a notebook shows.

        ``curve``, ``heatmap``, ``scatter`` and ``dots`` are the first of that form, ``calibration``,
        ``transfer`` and other sections of the page the first chart of theirs, and each chart has a name
        of its own: see `plots`. Raises UsageError with the nearest name and all that there are.
        """
        from roadworthy.plotting.charts import chart
        from roadworthy.plotting.notebook import altair_chart

        return altair_chart(chart(self._evidence, name).figure)

    def plots(self) -> dict[str, str]:
        """Return the names of all charts, each with what it shows in words."""
        from roadworthy.plotting.charts import charts

        return {one.name: one.figure.caption for one in charts(self._evidence)}

    def models(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of each model, in the order of first use."""
        yield from self._described("models")

    def datasets(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of each data set, in the order of first use."""
        yield from self._described("data")

    def _described(self, kind: str) -> Iterator[dict[str, Any]]:
        found = {entry["spec"]: entry for run in self.runs for entry in run[kind]}
        yield from found.values()

    def class_name(self, model: str, label: int) -> str:
        """Return the name of a class of ``model``, or its index as text."""
        names = self.class_names(model)
        return names[label] if 0 <= label < len(names) else str(label)

    def class_names(self, model: str) -> list[str]:
        """Return the names of the classes of ``model``; none where they were not known."""
        return self._class_names.get(model) or []

    @cached_property
    def _class_names(self) -> dict[str, list[str]]:
        found = {}
        # A model that does not name its outputs has the names of data that are matched in order.
        of_data = next(filter(None, map(self._names_in, self.datasets())), [])
        for model in self.models():
            found[model["spec"]] = self._names_in(model) or of_data
        return found

    def _names_in(self, described: dict[str, Any]) -> list[str]:
        """Return the names of classes that belong to a model or data set; none where unknown."""
        path = self.folder / "manifests" / f"{described.get('classes')}.json"
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    def image(self, data: str, sample: str) -> bytes | None:
        """Return the encoded bytes of a sample, or None where the data are gone."""
        from roadworthy.data.registry import open_data

        gone: set[str] = self.__dict__.setdefault("_gone", set())
        if data in gone:
            return None
        try:
            dataset, samples = self._opened(open_data, data)
        except (RoadworthyError, OSError):
            gone.add(data)
            return None
        try:
            return bytes(dataset.read(samples[sample]))
        except (RoadworthyError, KeyError, OSError):
            return None

    def _opened(self, open_data: Any, data: str) -> tuple[Any, dict[str, Any]]:
        known: dict[str, tuple[Any, dict[str, Any]]] = self.__dict__.setdefault("_open", {})
        if data not in known:
            where = [
                run.get("folder")
                for run in self.runs
                if any(entry.get("spec") == data for entry in run["data"])
            ]
            base = Path(where[-1]) if where and where[-1] else None
            dataset = open_data(data, base=base)
            known[data] = (dataset, {s.id: s for s in dataset.samples})
        return known[data]
