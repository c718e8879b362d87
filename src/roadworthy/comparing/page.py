"""A comparison as HTML: a section to put into a page, and a page of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.comparing.naming import Names
from roadworthy.comparing.result import Comparison
from roadworthy.comparing.text import (
    MOST_ROWS,
    blocks,
    probability,
    sentences,
    shown,
    signed,
)
from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError
from roadworthy.metrics.base import Estimate
from roadworthy.report.html import environment
from roadworthy.report.names import clean_text
from roadworthy.report.reading import number
from roadworthy.report.thumbnail import thumbnail
from roadworthy.run import Run

MOST_PICTURES = 12
MOST_FLIPS = 500
"""Flipped images in the table of a page; all of them are in the CSV."""


def section(found: Comparison, *, pictures: bool = False) -> str:
    """Return a comparison as the markup of one section, ``<section id="comparison">``.

    It needs no script and no second file. With ``pictures`` the images that flip most are shown,
    read from the data of the first run where these are still there. All texts are escaped.
    """
    text: str = environment().get_template("comparison.html.j2").render(_content(found, pictures))
    return text


def write(found: Comparison, path: Path) -> Path:
    """Write a comparison as a page of its own; raises RoadworthyError if that cannot be written."""
    from markupsafe import Markup

    style = (files("roadworthy.report") / "assets" / "report.css").read_text(encoding="utf-8")
    page = (
        environment()
        .get_template("comparison_page.html.j2")
        .render(
            title=f"{Path(found.folders[0]).name} and {Path(found.folders[1]).name}",
            style=Markup(style),
            section=Markup(section(found, pictures=True)),
            policy="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            "form-action 'none'",
        )
    )
    if not path.parent.is_dir():
        raise RoadworthyError(f"cannot write '{path}': there is no folder '{path.parent}'")
    write_whole(path, page.encode())
    return path


def _content(found: Comparison, pictures: bool) -> Mapping[str, Any]:
    tables = [b for b in blocks(found) if b.heads[0] not in ("stress", "image")]
    return {
        "folders": found.folders,
        "sentences": sentences(found),
        "plots": list(_plots(found)),
        "tables": tables,
        "pictures": _pictures(found) if pictures else [],
        "flips": _flips(found),
        "flipped": len(found.flips),
        "notes": found.notes,
    }


def _plots(found: Comparison) -> Sequence[Mapping[str, Any]]:
    """Return, for each pair of models on its data, the lines of a plot of differences in top-1."""
    top1 = {one.place: one for one in found.differences if one.metric == "top1"}
    plots, names = [], Names.of(found)
    for models, data in dict.fromkeys((t.place.models, t.place.data) for t in found.tests):
        tests = [t for t in found.tests if (t.place.models, t.place.data) == (models, data)]
        if len(tests) > MOST_ROWS:
            tests = [test for test in tests if test.p_holm is not None]
        changes = [top1[test.place].change for test in tests if test.place in top1]
        reach = max((abs(v) for c in changes for v in (c.low, c.high) if v is not None), default=1)
        lines = []
        for test in tests:
            one = top1.get(test.place)
            if one is None:
                continue
            lines.append(
                {
                    "label": test.place.variant if test.p_holm is None else names.label(test),
                    "nested": test.p_holm is None,
                    "detectable": number(test.detectable, "points"),
                    "a": shown(one.a, one.unit),
                    "b": shown(one.b, one.unit),
                    "change": signed(one.change, one.unit),
                    "mark": _mark(one.change, reach or 1),
                    "better": one.better,
                    "test": test,
                    "p": probability(test.p),
                    "p_holm": probability(test.p_holm),
                }
            )
        plots.append({"title": names.title(models, data), "reach": f"{reach:.3g}", "lines": lines})
    return plots


def _mark(change: Estimate, reach: float) -> tuple[float, float, float] | None:
    """Return low, value and high as places on a line from 0 to 200 whose middle is no difference."""
    ends = [change.low, change.value, change.high]
    if any(end is None for end in ends):
        return None
    low, value, high = (round(100 + 96 * float(end or 0) / reach, 1) for end in ends)
    return low, value, high


def _pictures(found: Comparison) -> Sequence[Mapping[str, Any]]:
    """Return the images that flip under most stresses, with what both runs say of them."""
    run = Run(found.folders[0])
    most = (
        found.flips.group_by("data", "sample", maintain_order=True)
        .agg(
            pl.len().alias("count"),
            (pl.col("flip") == "lost").sum().alias("lost"),
            pl.col("label", "prediction_a", "prediction_b", "stress", "variant").first(),
        )
        .sort("count", descending=True, maintain_order=True)
        .head(MOST_PICTURES)
    )
    return [
        {
            "uri": thumbnail(run.image(str(row["data"]), str(row["sample"]))),
            "sample": clean_text(row["sample"]),
            "lost": row["lost"],
            "gained": row["count"] - row["lost"],
            **{k: clean_text(row[k] or "–") for k in ("label", "prediction_a", "prediction_b")},
        }
        for row in most.to_dicts()
    ]


def _flips(found: Comparison) -> Sequence[Mapping[str, Any]]:
    rows = found.flips.head(MOST_FLIPS).to_dicts()
    return [
        {
            **{key: "–" if value is None else clean_text(value) for key, value in row.items()},
            "confidence_a": _percent(row["confidence_a"]),
            "confidence_b": _percent(row["confidence_b"]),
        }
        for row in rows
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
