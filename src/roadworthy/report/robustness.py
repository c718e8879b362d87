"""Curves of attacks: robust accuracy over the budget, and over steps or queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadworthy.report import marks
from roadworthy.report.blocks import Fold
from roadworthy.report.cells import distinct, label_of
from roadworthy.report.figure import Figure
from roadworthy.report.levels import MOST_SERIES
from roadworthy.report.names import short_names
from roadworthy.report.points import Who, family, point
from roadworthy.report.reading import Reading
from roadworthy.report.style import Point

if TYPE_CHECKING:
    import polars as pl

    from roadworthy.metrics.robustness import CurvePoint
    from roadworthy.stress.norm_names import Norm

_UNITS: dict[Norm, tuple[str, float]] = {
    "Linf": ("Linf, in 1/255", 255.0),
    "L2": ("L2, pixels in 0 to 1", 1.0),
    "L1": ("L1, pixels in 0 to 1", 1.0),
    "L0": ("L0, elements changed", 1.0),
}
_WIDTH = 40


@dataclass(frozen=True)
class Line:
    """The usable records of one line: an attack on one model and data set, called by the judge."""

    name: str
    norm: Norm
    rows: pl.DataFrame
    judge: str


def robustness_figures(rows: pl.DataFrame, who: Who) -> list[Figure | Fold]:
    """Return the charts of the attacks in ``rows``, records of the full schema; none without any."""
    from roadworthy.metrics.strength import strength_of

    made: list[Figure | Fold] = []
    over_budget = list(_lines(rows, who, family))
    for norm in _UNITS:
        made += _over_budget([line for line in over_budget if line.norm == norm], norm)
    lines = {
        line.name: found
        for line in _lines(rows, who, str)
        if (found := strength_of(line.rows)) is not None
    }
    points, left_out = _points(lines, 1.0, lambda at: f"after {at:.0f} steps")
    points = [p for p in points if p["x"] > 0]  # an axis of powers has no 0
    ends = Counter(p["series"] for p in points)
    points = [p for p in points if ends[p["series"]] > 1]  # one step is no curve
    if points:
        chart = marks.budgets(points, x="steps, or queries", y="robust top-1, %", log=True)
        caption = (
            "Percent of images that are right when clean and on which the attack had not reached "
            f"its goal after so many steps, with 95 % intervals.{left_out}"
        )
        title = f"Accuracy over the strength of the attack{_only(points)}"
        made.append(Figure(title, caption, chart))
    return made


def _over_budget(lines: Sequence[Line], norm: Norm) -> list[Figure | Fold]:
    """Return one chart of all attacks and their worst case; where it would be too full, one a judge."""
    curves = _curves(lines)
    whole = {name: curve for judge in curves.values() for name, curve in judge.items()}
    if len(curves) < 2 or len(whole) <= MOST_SERIES:
        return _budget_chart(whole, norm, "")
    worst = {judge: next(iter(own.values())) for judge, own in curves.items()}
    said = "; the worst case over its attacks, or its only one"
    made = _budget_chart(worst, norm, said)
    each = [one for judge, own in curves.items() for one in _budget_chart(own, norm, f": {judge}")]
    return [*made, Fold(f"Every attack on each of {len(curves)} models ({norm})", each)]


def _curves(lines: Sequence[Line]) -> dict[str, dict[str, Sequence[CurvePoint]]]:
    """Return the curves of each judge by name, the worst case over several attacks first."""
    from roadworthy.metrics.robustness import curve_of
    from roadworthy.report.worst_curve import worst_curve

    by_judge: dict[str, list[Line]] = {}
    for line in lines:
        by_judge.setdefault(line.judge, []).append(line)
    found: dict[str, dict[str, Sequence[CurvePoint]]] = {}
    for judge, own in by_judge.items():
        found[judge] = {}
        if len(own) > 1:
            name = " · ".join(filter(None, (judge, f"worst of {len(own)} attacks")))
            found[judge][name] = worst_curve([line.rows for line in own], own[0].norm)
        found[judge] |= {line.name: curve_of(line.rows) for line in own}
    return found


def _budget_chart(
    curves: Mapping[str, Sequence[CurvePoint]], norm: Norm, about: str
) -> list[Figure | Fold]:
    unit, scale = _UNITS[norm]
    points, left_out = _points(curves, scale, lambda at: f"eps {at:.3g}")
    if not points:
        return []
    chart = marks.budgets(points, x=f"eps ({unit}); 0 is clean", y="robust top-1, %")
    caption = (
        "Percent of images that are right when clean and on which the attack did not reach its goal, "
        "over its budget, with 95 % intervals. Attacks that look for the smallest change ran once: every "
        f"budget is read off their distances.{left_out}"
    )
    title = f"Accuracy over the budget ({norm}){about or _only(points)}"
    return [Figure(title, caption, chart)]


def _only(points: Sequence[Point]) -> str:
    """Return what the title says of a single line, for which there is no legend."""
    names = distinct(p["series"] for p in points)
    return f": {names[0]}" if len(names) == 1 else ""


def _lines(rows: pl.DataFrame, who: Who, together: Callable[[str], str]) -> Iterator[Line]:
    """Yield the lines of a chart; stresses that ``together`` gives one name are on one of them."""
    import polars as pl

    from roadworthy.metrics.attacked import norm_of
    from roadworthy.metrics.catalogue import USABLE

    attacks = rows.filter(pl.col("norm").is_not_null() & pl.col("status").is_in(USABLE))
    keys = ["model", "data", "source", "precision", "stress", "variant"]
    found: dict[tuple[Any, ...], list[pl.DataFrame]] = {}
    for key, part in attacks.partition_by(keys, as_dict=True, maintain_order=True).items():
        model, data, source, precision, stress, variant = (text or "" for text in key)
        label = together(label_of(stress, variant))
        found.setdefault((model, data, source, precision, label), []).append(part)
    names = short_names([key[-1] for key in found], _WIDTH)
    for (model, data, source, precision, label), parts in found.items():
        judge = who(model, data, source)
        judge += f" [{precision}]" if precision not in ("", "fp32") else ""
        joined = pl.concat(parts)
        norm = norm_of(joined)
        if norm is not None:
            yield Line(
                " · ".join(filter(None, (judge.strip(), names[label]))), norm, joined, judge.strip()
            )


def _points(
    lines: Mapping[str, Sequence[CurvePoint]], scale: float, label: Callable[[float], str]
) -> tuple[list[Point], str]:
    """Return the points of as many lines as a chart has colours for, and what to say of the rest."""
    drawn = {name: curve for name, curve in lines.items() if len(curve) > 1}
    points = [
        point(
            Reading(one.estimate.value, one.estimate.low, one.estimate.high, n=one.estimate.n),
            label=label(scale * one.at),
            series=name,
            x=scale * one.at,
        )
        for name, curve in list(drawn.items())[:MOST_SERIES]
        for one in curve
    ]
    more = len(drawn) - MOST_SERIES
    return points, f" {more} more lines are left out." if more > 0 else ""


@dataclass(frozen=True)
class Cascade:
    """What the members of a cascade did in turn: name, images broken, their share, what is left.

    In a search for the smallest change all run on every image, and have broken those that they found
    the ``nearest`` change of.
    """

    title: str
    rows: list[tuple[str, int, Reading, Reading]]
    nearest: bool = False


def cascades(rows: pl.DataFrame, who: Who) -> list[Cascade]:
    """Return a table for each attack made of several that says which of them broke an image."""
    from roadworthy.metrics.attacked import is_minimal
    from roadworthy.metrics.members import members_in_turn

    made = []
    for line in _lines(rows, who, str):
        shares = members_in_turn(line.rows)
        if shares:
            listed = [
                (one.name, one.broken, _reading(one.share), _reading(one.left)) for one in shares
            ]
            made.append(Cascade(line.name, listed, is_minimal(line.rows)))
    return made


def _reading(estimate: Any) -> Reading:
    return Reading(estimate.value, estimate.low, estimate.high, n=estimate.n)
