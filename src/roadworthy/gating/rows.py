"""The rows of a summary that a requirement is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.comparing.matching import named
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.gating.requirement import Requirement
from roadworthy.gating.stresses import place_of
from roadworthy.metrics.base import Estimate
from roadworthy.report.cells import entries, text_of
from roadworthy.report.reading import count, reading_of


@dataclass(frozen=True)
class Line:
    """One row of a summary, as far as a gate needs it.

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


@dataclass(frozen=True)
class Chosen:
    """The rows that a requirement is about, or why there are none in ``missing``."""

    lines: Sequence[Line]
    missing: str = ""


def chosen(requirement: Requirement, known: Sequence[Line]) -> Chosen:
    """Return the rows of a metric that a requirement asks for; all of them must meet it.

    Of several variants of one stress that is the row of them together, unless one is named; of what
    was made for another model nothing, unless that ``source`` is named. Raises UsageError with the
    nearest name for a metric, stress, model, data set, variant or source that there is not.
    """
    check_metric(requirement, known)
    wanted, stress = list(known), requirement.stress
    for key in ("model", "data", "source"):
        text = getattr(requirement, key)
        if text is not None:
            there = list(dict.fromkeys(getattr(line, key) for line in wanted))
            name = _named(requirement, text, [t for t in there if t], key)
            wanted = [line for line in wanted if getattr(line, key) == name]
    if requirement.source is None:
        wanted = [line for line in wanted if line.own]
    variant = requirement.variant
    if stress is not None:
        place = place_of(stress, [(line.stress, line.variant) for line in wanted])
        if place is None:
            return Chosen([], f"{stress} was not run")
        wanted = [line for line in wanted if line.stress == place[0]]
        variant = variant if place[1] is None else place[1]
    else:
        wanted = [line for line in wanted if not line.like]
    if variant is not None:
        there = [line.variant for line in wanted if line.variant]
        name = _named(requirement, variant, there, "variant")
        wanted = [line for line in wanted if line.variant == name]
    found = [line for line in wanted if line.metric == requirement.metric]
    if not found:
        of = f" of {stress}" if stress else ""
        return Chosen([], f"the run has no {requirement.metric}{of}")
    return Chosen(found if variant is not None else _together(found))


def check_metric(requirement: Requirement, known: Iterable[Line]) -> None:
    """Raise UsageError with the nearest name unless a metric is known here or in the run."""
    from roadworthy.metrics import METRICS
    from roadworthy.metrics.suite import named_suite_metrics

    names = {*METRICS, *named_suite_metrics(), *(line.metric for line in known)}
    if requirement.metric not in names:
        raise UsageError(
            f"requirement '{requirement.text}': no metric is called '{requirement.metric}'"
            f"{did_you_mean(requirement.metric, names)} (`roadworthy ls metrics` shows every name)"
        )


def _named(requirement: Requirement, text: str, known: Sequence[str], key: str) -> str:
    kinds = {"model": "model", "data": "data set", "source": "source", "variant": "variant"}
    try:
        return named(text, list(dict.fromkeys(known)), kinds[key])
    except UsageError as error:
        raise UsageError(f"requirement '{requirement.text}': {error}") from None


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
