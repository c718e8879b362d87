"""Several runs as one: their summaries joined, models that two of them judged differently told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import spec_and_precision
from roadworthy.report.view import Ranks, View
from roadworthy.studies.scores import tradeoff

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from roadworthy.report.quiz.answers import Sheet

LISTS = (
    *("rows", "survey", "reference", "per_class", "reliability", "frames", "images"),
    *("same", "systematic", "unavailable"),
)
OF_RUN = ("models", "data", "suites", "warnings", "alike")
_KEY = ("model", "data", "source", "stress", "variant", "metric")


class Together:
    """Implements ``View`` for several runs.

    A model that several runs judged, and not alike, has the folder of the run behind its name. Rows
    that two runs have alike are there once. Studies over models are over those of all runs, the fits
    of the survey those of each run.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self.views = views
        self.labels = _labels([view.folder for view in views])

    @property
    def folder(self) -> Path:
        """The folder of the first run."""
        return self.views[0].folder

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """What each invocation of each run said of itself."""
        return [run for view in self.views for run in view.runs]

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """The images that failed in any run."""
        return [entry for view in self.views for entry in view.failures]

    @cached_property
    def problems(self) -> list[str]:
        """What a reader must know of each run itself."""
        named = zip(self.labels, self.views, strict=True)
        return [f"{label}: {text}" for label, view in named for text in view.problems]

    @cached_property
    def _names(self) -> list[dict[str, str]]:
        """What each run's models are called here, where that is not what they are called there."""
        known: dict[tuple[str, ...], Mapping[str, Any]] = {}
        apart: set[str] = set()
        for view in self.views:
            for row in entries(view.summary, "rows"):
                key = tuple(text_of(row, name) for name in _KEY)
                other = known.setdefault(key, row)
                if dict(other) != dict(row):
                    apart.add(spec_and_precision(key[0])[0])
        return [{model: f"{model} ({label})" for model in apart} for label in self.labels]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The summaries as one."""
        given = [
            {**_renamed(view.summary, names), "_at": at}
            for at, (view, names) in enumerate(zip(self.views, self._names, strict=True))
        ]
        joined: dict[str, Any] = {name: list(_joined(given, name)) for name in LISTS}
        for at, one in enumerate(given):
            for entry in entries(one, "images"):
                entry["run"] = at  # type: ignore[index]
        first = given[0].get("run")
        run = dict(first) if isinstance(first, dict) else {}
        for name in OF_RUN:
            run[name] = list(_joined([one.get("run") for one in given], name))
        run["stresses"] = list(dict.fromkeys(text_of(row, "stress") for row in joined["rows"]))
        facts = {text_of(model, "spec"): model for model in run["models"]}
        return {"schema": 1, "run": run, **joined, "tradeoff": tradeoff(joined["rows"], facts)}

    def rows(self, wanted: Callable[[str], bool] | None = None) -> pl.DataFrame:
        """Return the records of all runs."""
        import polars as pl

        frames = []
        for view, names in zip(self.views, self._names, strict=True):
            frame = view.rows(wanted)
            for column in ("model", "source"):
                frame = frame.with_columns(pl.col(column).replace(names))
            frames.append(frame)
        return pl.concat(frames, how="diagonal")

    @property
    def cache(self) -> Path | None:
        """Where the first run keeps what was measured of images."""
        return self.views[0].cache

    def listed(self, data: str) -> pl.DataFrame:
        """Return sample and columns (JSON) of the samples of a data set, of all runs."""
        import polars as pl

        found = pl.concat(view.listed(data) for view in self.views)
        return found.unique("sample", keep="first", maintain_order=True)

    def image(self, data: str, sample: str) -> bytes | None:
        """Return the encoded bytes of one sample from whichever run knows where it is."""
        return next((b for view in self.views if (b := view.image(data, sample)) is not None), None)

    def artifact(self, entry: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """Return what an attack of the run of ``entry`` made of a sample; None where it was not kept."""
        at = entry.get("run")
        return self.views[at].artifact(entry) if isinstance(at, int) else None

    def ranked(self, entry: Mapping[str, Any]) -> Ranks | None:
        """Return what a model made of a sample from whichever run has it; None where it is gone."""
        return next((r for view in self.views if (r := view.ranked(entry)) is not None), None)

    @property
    def answers(self) -> list[Sheet]:
        """What people said of subsets of all runs."""
        return [sheet for view in self.views for sheet in view.answers]

    def class_name(self, model: str, label: int) -> str:
        """Return the name of output ``label`` of ``model``, whatever run it is of."""
        for view, names in zip(self.views, self._names, strict=True):
            own = {new: old for old, new in names.items()}.get(model, model)
            name = view.class_name(own, label)
            if name != str(label):
                return name
        return str(label)


def _labels(folders: Sequence[Path]) -> list[str]:
    """Return the shortest ends of paths that tell the folders apart."""
    parts = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(one[-length:]) for one in parts]
        if len(set(labels)) == len(labels):
            break
    return labels


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a summary in which models are called otherwise, as values and as keys."""
    if isinstance(value, Mapping):
        return {_name(key, names): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    return _name(value, names)


def _name(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    model, precision = spec_and_precision(value)
    return names[model] + precision if model in names else value


def _joined(given: Sequence[Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of all lists called ``name``, equal ones once."""
    seen = set()
    for one in given:
        for entry in entries(one, name):
            told = repr(sorted(entry.items(), key=lambda item: item[0]))
            if told not in seen:
                seen.add(told)
                yield entry
