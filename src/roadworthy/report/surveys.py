"""The survey on the page: changes against ln(error) over models, and the lines through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.called import called
from roadworthy.report.cells import distinct, entries, label_of, text_of
from roadworthy.report.figure import Figure
from roadworthy.report.points import point
from roadworthy.report.reading import Reading, count, number, real
from roadworthy.report.scatter import Segment, scatter

EDGE, OTHERS = "on the frontier", "not on the frontier"
LINES = (("all models", False), ("the frontier", True))


@dataclass(frozen=True)
class SurveyTable:
    """One attack and statistic: a row a model, a row a line; all of it text."""

    title: str
    heading: str
    models: Sequence[tuple[str, ...]]
    fits: Sequence[tuple[str, ...]]


def survey_tables(summary: Mapping[str, Any]) -> list[SurveyTable]:
    """Return the tables of the survey, an attack and statistic each."""
    every = entries(summary, "survey")
    return [
        SurveyTable(
            title=_title(entry, every),
            heading=f"{text_of(entry, 'statistic')} {text_of(entry, 'unit')}",
            models=[_model(one, names) for one in entries(entry, "points")],
            fits=[_fit(one, names) for one in entries(entry, "fits")],
        )
        for entry, names in ((entry, _names(summary, entry)) for entry in every)
    ]


def survey_figures(summary: Mapping[str, Any]) -> list[Figure]:
    """Return a chart for each attack, by medians; none where there are fewer than two dots."""
    every, made = entries(summary, "survey"), []
    for entry in every:
        points = _dots(entry, _names(summary, entry))
        if text_of(entry, "statistic") != "median" or len(points) < 2:
            continue
        lines = [s for over, dashed in LINES if (s := _segment(entry, over, dashed)) is not None]
        unit = text_of(entry, "unit")
        chart = scatter(points, x="ln(1 - accuracy)", y=f"median change, {unit}", segments=lines)
        caption = (
            "How small a change suffices against the logarithm of the error: further up is more "
            "robust, further left more accurate. The line is through all models, the dashed one "
            "through those that no other beats in both."
        )
        made.append(Figure(_title(entry, every), caption, chart))
    return made


def _title(entry: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> str:
    title = label_of(text_of(entry, "stress"), text_of(entry, "variant"))
    several = len({text_of(one, "data") for one in every}) > 1
    return f"{title} on {text_of(entry, 'data')}" if several else title


def _names(summary: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, str]:
    return called(summary, (text_of(one, "model") for one in entries(entry, "points")))


def _dots(entry: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for one in entries(entry, "points"):
        x, y = real(one.get("x")), real(one.get("y"))
        if x is not None and y is not None:
            reading = Reading(y, None, None, "none", count(one.get("n")))
            series = EDGE if one.get("frontier") is True else OTHERS
            found.append(point(reading, label=names[text_of(one, "model")], series=series, x=x))
    return sorted(found, key=lambda p: p["series"] != EDGE)


def _segment(entry: Mapping[str, Any], over: str, dashed: bool) -> Segment | None:
    """Return the line ``over`` some models, as far as these reach."""
    fit = next((f for f in entries(entry, "fits") if text_of(f, "over") == over), None)
    slope, level = (real(fit.get(name)) if fit else None for name in ("slope", "intercept"))
    if fit is None or slope is None or level is None:
        return None
    listed = fit.get("models")
    members = set(map(str, listed)) if isinstance(listed, list) else set()
    within = [p for p in entries(entry, "points") if str(p.get("model")) in members]
    xs = [x for p in within if (x := real(p.get("x"))) is not None]
    if len(xs) < 2:
        return None
    ends = [(x, level + slope * x) for x in (min(xs), max(xs))]
    return Segment(ends[0], ends[1], dashed)


def _model(one: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    accuracy, success = (real(one.get(name)) for name in ("accuracy", "success"))
    marks = [
        *([EDGE] if one.get("frontier") is True else []),
        *(["stands out"] if one.get("stands_out") is True else []),
    ]
    return (
        names[text_of(one, "model")],
        number(None if accuracy is None else 100 * accuracy, "percent"),
        number(real(one.get("x")), "none"),
        number(real(one.get("y")), "none"),
        number(None if success is None else 100 * success, "percent"),
        number(real(one.get("leverage")), "none"),
        str(count(one.get("n"))),
        ", ".join(marks),
    )


def _fit(one: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    listed = one.get("models")
    size = str(len(listed)) if isinstance(listed, list) else "–"
    if real(one.get("slope")) is None:
        return text_of(one, "over"), size, f"no line: {text_of(one, 'reason')}", "", "", "", "", ""
    return (
        text_of(one, "over"),
        size,
        number(real(one.get("slope")), "none"),
        _interval(one.get("images")),
        _interval(one.get("resampled")),
        number(real(one.get("intercept")), "none"),
        number(real(one.get("r2")), "none"),
        _left_out(one.get("left_out"), names),
    )


def _interval(value: Any) -> str:
    ends = [real(end) for end in value] if isinstance(value, list) else []
    if len(ends) != 2 or None in ends:
        return "–"
    return f"[{number(ends[0], 'none')}, {number(ends[1], 'none')}]"


def _left_out(value: Any, names: Mapping[str, str]) -> str:
    """Return the smallest and the largest slope without one model, and which that is."""
    if not isinstance(value, Mapping):
        return "–"
    known = [(slope, str(name)) for name, raw in value.items() if (slope := real(raw)) is not None]
    if not known:
        return "–"
    ends = [min(known), max(known)]
    texts = [f"{number(s, 'none')} without {names.get(name, name)}" for s, name in ends]
    return " to ".join(distinct(texts))
