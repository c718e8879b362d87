"""The rows of a summary that are meant by a metric, and by a stress, model or data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.comparing.matching import named
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.gating.stresses import place_of
from roadworthy.metrics.base import Estimate
from roadworthy.report.cells import entries, text_of
from roadworthy.report.reading import count, reading_of

KINDS = {"model": "model", "data": "data set", "source": "source", "variant": "variant"}


@dataclass(frozen=True)
class Line:
    """One row of a summary: its estimate, and what it is of.

    A stress that changes no pixel was not judged: its rows are those of another, ``like``.
    """

    estimate: Estimate
    failed: int
    model: str
    data: str
    source: str
    stress: str
    variant: str
    metric: str
    unit: str
    like: str = ""

    @property
    def own(self) -> bool:
        """Whether this is about a model by itself, not about what was made for another one."""
        return self.source in ("", self.model.partition(" [")[0])


@dataclass(frozen=True)
class Selection:
    """A metric: of one stress, model, data set, variant or source where these are given."""

    metric: str
    stress: str | None = None
    model: str | None = None
    data: str | None = None
    variant: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Chosen:
    """The rows that are meant, or why there are none in ``missing``."""

    lines: Sequence[Line]
    missing: str = ""


def lines_of(summary: Mapping[str, Any]) -> list[Line]:
    """Return the rows of a summary in its order; those that cannot be read are left out."""
    found = []
    for row in entries(summary, "rows"):
        read = reading_of(row)
        estimate = Estimate(read.value, read.low, read.high, read.n)
        names = ("model", "data", "source", "stress", "variant", "metric", "unit")
        texts = [text_of(row, name) for name in names]
        if texts[3] and texts[5]:
            found.append(Line(estimate, count(row.get("failed")), *texts))
    return [*found, *_twins(summary, found)]


def _twins(summary: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Line]:
    for pair in entries(summary, "same"):
        model, data, stress, like = (
            text_of(pair, key) for key in ("model", "data", "stress", "like")
        )
        for line in lines:
            if (line.model.partition(" [")[0], line.data, line.stress) == (model, data, like):
                yield replace(line, stress=stress, like=like)


def pick(wanted: Selection, known: Sequence[Line]) -> Chosen:
    """Return the rows of a metric that are meant.

    Of several variants of one stress that is the row of them together, unless one is named; of what
    was made for another model nothing, unless that ``source`` is named. Raises UsageError with the
    nearest name for a metric, stress, model, data set, variant or source that there is not.
    """
    check_metric(wanted.metric, known)
    lines, stress, variant = list(known), wanted.stress, wanted.variant
    for key in ("model", "data", "source"):
        text = getattr(wanted, key)
        if text is not None:
            there = list(dict.fromkeys(getattr(line, key) for line in lines))
            name = named(text, [t for t in there if t], KINDS[key])
            lines = [line for line in lines if getattr(line, key) == name]
    if wanted.source is None:
        lines = [line for line in lines if line.own]
    if stress is not None:
        place = place_of(stress, [(line.stress, line.variant) for line in lines])
        if place is None:
            return Chosen([], f"{stress} was not run{_alike(stress, lines)}")
        lines = [line for line in lines if line.stress == place[0]]
        variant = variant if place[1] is None else place[1]
    else:
        lines = [line for line in lines if not line.like]
    if variant is not None:
        there = list(dict.fromkeys(line.variant for line in lines if line.variant))
        name = named(variant, there, KINDS["variant"])
        lines = [line for line in lines if line.variant == name]
    found = [line for line in lines if line.metric == wanted.metric]
    if not found:
        of = f" of {stress}" if stress else ""
        return Chosen([], f"the run has no {wanted.metric}{of}")
    return Chosen(found if variant is not None else _together(found))


def _alike(stress: str, lines: Sequence[Line]) -> str:
    """Name what was run of the same name, which may have been meant."""
    name = stress.partition("(")[0]
    found = dict.fromkeys(x.stress for x in lines if x.stress.partition("(")[0] == name)
    return f"; {' and '.join(found)} was" if found else ""


def check_metric(name: str, known: Iterable[Line]) -> None:
    """Raise UsageError with the nearest name unless a metric is known here or in the run."""
    from roadworthy.metrics.every import every_metric

    names = {*every_metric(), *(line.metric for line in known)}
    if name not in names:
        raise UsageError(
            f"no metric is called '{name}'{did_you_mean(name, names)} "
            f"(`roadworthy ls metrics` shows every name)"
        )


def _together(found: Sequence[Line]) -> list[Line]:
    """Leave out the single variants of what also has a row over all of them."""
    groups = {
        (line.model, line.data, line.source, line.stress) for line in found if not line.variant
    }
    return [
        line
        for line in found
        if not line.variant or (line.model, line.data, line.source, line.stress) not in groups
    ]
