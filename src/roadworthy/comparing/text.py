"""A comparison as text: Markdown for a pipe or a pull request, tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from roadworthy.comparing.naming import ROOM, Names
from roadworthy.comparing.result import Comparison, Difference, Verdicts
from roadworthy.metrics.base import Estimate
from roadworthy.report.names import short_names
from roadworthy.report.reading import Reading, number

if TYPE_CHECKING:
    from rich.console import RenderableType

LEVEL = 0.05
MOST_ROWS, MOST_IMAGES = 40, 10


@dataclass(frozen=True)
class Block:
    """One table: a title, headings, and rows of texts; the first ``left`` columns are names."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


def blocks(found: Comparison) -> list[Block]:
    """Return the tables of a comparison: verdicts, other metrics, and the images that flip most."""
    made = [*_of_verdicts(found), *_of_metrics(found), *_of_images(found)]
    return [block for block in made if block.rows]


def sentences(found: Comparison) -> list[str]:
    """Return what a comparison comes to in words."""
    whole = [test for test in found.tests if test.p_holm is not None]
    texts, names = [], Names.of(found)
    for models, tests in _by_models(whole).items():
        sure = [test for test in tests if (test.p_holm or 0.0) <= LEVEL and test.p_holm is not None]
        better = sum(test.gained > test.lost for test in sure)
        worse = sum(test.lost > test.gained for test in sure)
        of = f"{len(tests)} stress{'es' if len(tests) > 1 else ''}"
        who = f" ({names.who(models)})" if len(_by_models(whole)) > 1 else ""
        texts.append(
            f"Of {of} B has more images right under {better} and fewer under {worse} beyond chance "
            f"(exact McNemar, Holm, {100 * LEVEL:g} %){who}."
        )
    if whole:
        images = found.flips["sample"].n_unique()
        lost = int((found.flips["flip"] == "lost").sum())
        gained = len(found.flips) - lost
        texts.append(f"{lost} verdicts are lost and {gained} gained, on {images} images.")
    return texts


def lines(found: Comparison) -> str:
    """Return a comparison as Markdown, ending in a newline."""
    a, b = found.folders
    parts = [f"A is {a}, B is {b}; differences are B minus A, with 95 % intervals.", ""]
    parts += sentences(found)
    for block in blocks(found):
        parts += ["", f"**{block.title}**", "", *markdown(block)]
    if found.notes:
        parts += ["", *(f"- {note}" for note in found.notes)]
    return "\n".join(parts) + "\n"


def markdown(block: Block) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    rows = [[text.replace("|", "\\|") for text in row] for row in (block.heads, *block.rows)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(block.heads))]
    for place, row in enumerate(rows):
        texts = [
            text.ljust(width) if i < block.left else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"| {' | '.join(texts)} |"
        if place == 0:
            rule = [
                "-" * w if i < block.left else "-" * (w - 1) + ":" for i, w in enumerate(widths)
            ]
            yield f"| {' | '.join(rule)} |"


def tables(found: Comparison) -> Iterator[RenderableType]:
    """Yield what to print in a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    a, b = found.folders
    yield Text(f"A is {a}, B is {b}; differences are B minus A, with 95 % intervals.")
    yield from map(Text, sentences(found))
    for block in blocks(found):
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left")
        table.title = Text(block.title, style="bold")
        for place, head in enumerate(block.heads):
            if place < block.left:
                table.add_column(Text(head), overflow="fold")
            else:
                table.add_column(Text(head), justify="right", no_wrap=True)
        for row in block.rows:
            table.add_row(*map(Text, row))
        yield Text("")
        yield table
    yield from (Text(note) for note in found.notes)


def signed(change: Estimate, unit: str) -> str:
    """Return a difference with its interval: ``+1.2 [-0.3, +2.7]``."""
    texts = [_signed(value, unit) for value in (change.value, change.low, change.high)]
    if change.value is None:
        return "–"
    return texts[0] + (f" [{texts[1]}, {texts[2]}]" if "–" not in texts[1:] else "")


def _signed(value: float | None, unit: str) -> str:
    text = number(value, unit)
    return f"+{text}" if value is not None and float(text) > 0 else text


def shown(one: Estimate, unit: str) -> str:
    """Return a value without its interval."""
    return Reading(one.value, one.low, one.high, unit).text


def probability(p: float | None) -> str:
    """Return a p-value as it is printed."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _by_models(tests: Sequence[Verdicts]) -> dict[tuple[str, str], list[Verdicts]]:
    found: dict[tuple[str, str], list[Verdicts]] = {}
    for test in tests:
        found.setdefault(test.place.models, []).append(test)
    return found


def _of_verdicts(found: Comparison) -> Iterator[Block]:
    top1 = {one.place: one for one in found.differences if one.metric == "top1"}
    where = dict.fromkeys((test.place.models, test.place.data) for test in found.tests)
    known = Names.of(found)
    heads = (
        *("stress", "n", "A top-1", "B top-1", "B - A", "lost", "gained"),
        *("p", "p Holm", "detectable"),
    )
    for models, data in where:
        tests = [t for t in found.tests if (t.place.models, t.place.data) == (models, data)]
        if len(tests) > MOST_ROWS:
            tests = [test for test in tests if test.p_holm is not None]
        names = short_names([known.label(test) for test in tests], ROOM)
        rows = []
        for test in tests:
            one = top1.get(test.place)
            values = ("–", "–", "–")
            if one is not None:
                ends = (shown(one.a, one.unit), shown(one.b, one.unit))
                values = (*ends, signed(one.change, one.unit))
            p = (probability(test.p), probability(test.p_holm), number(test.detectable, "points"))
            counts = (str(test.lost), str(test.gained))
            rows.append((names[known.label(test)], str(test.n), *values, *counts, *p))
        yield Block(known.title(models, data), heads, rows)


def _of_metrics(found: Comparison) -> Iterator[Block]:
    """Yield metrics of whole suites, and what else differs beyond chance of whole stresses."""
    nested = {test.place for test in found.tests if test.p_holm is None}
    headline = [one for one in found.differences if one.metric != "top1" and _has_value(one)]
    suites = [one for one in headline if _of_suite(one)]
    wanted = suites + [
        one for one in headline if one.better and one not in suites and one.place not in nested
    ]
    left = len(wanted) - MOST_ROWS
    more = f"; {left} more with --json" if left > 0 else ""
    title = f"Metrics of suites, and others that differ beyond chance{more}"
    names = Names.of(found)
    several = len({(one.place.models, one.place.data) for one in wanted}) > 1
    rows = [
        (
            one.metric,
            names.label(one)
            + (f" ({names.title(one.place.models, one.place.data)})" if several else ""),
            str(one.change.n),
            shown(one.a, one.unit),
            shown(one.b, one.unit),
            signed(one.change, one.unit),
            one.better.upper(),
        )
        for one in wanted[:MOST_ROWS]
    ]
    yield Block(title, ("metric", "stress", "n", "A", "B", "B - A", "better"), rows, left=2)


def _has_value(one: Difference) -> bool:
    return one.a.value is not None or one.b.value is not None


def _of_suite(one: Difference) -> bool:
    """Whether a row is of a whole suite, or of several attacks together."""
    from roadworthy.metrics.suite import whole_metrics
    from roadworthy.report.names import WORST_CASE
    from roadworthy.suites.base import suites

    name = one.place.stress.partition("(")[0].partition(":")[0]
    alone = one.place.stress.startswith("profile:") or name in suites() or name == WORST_CASE
    return alone and one.metric in whole_metrics()


def _of_images(found: Comparison) -> Iterator[Block]:
    most = (
        found.flips.group_by("data", "sample", maintain_order=True)
        .agg(
            (pl.col("flip") == "lost").sum().alias("lost"),
            (pl.col("flip") == "gained").sum().alias("gained"),
            pl.col("label").first(),
            pl.col("prediction_a").first(),
            pl.col("prediction_b").first(),
        )
        .sort(pl.col("lost") + pl.col("gained"), descending=True, maintain_order=True)
    )
    heads = ("image", "lost", "gained", "label", "A says", "B says")
    rows = [
        (
            str(row["sample"]),
            str(row["lost"]),
            str(row["gained"]),
            *(str(row[name] or "") for name in ("label", "prediction_a", "prediction_b")),
        )
        for row in most.head(MOST_IMAGES).to_dicts()
    ]
    more = f", {MOST_IMAGES} of {len(most)}" if len(most) > MOST_IMAGES else ""
    yield Block(f"Images that flip most often{more} (the first flip is shown)", heads, rows)
