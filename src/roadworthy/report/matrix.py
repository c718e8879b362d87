"""Which model's adversarials fool which: the transfer matrix, from the rows of a summary."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadworthy.metrics.transfer import TRANSFER
from roadworthy.report.cells import Cell, cells, distinct, entries, label_of, text_of
from roadworthy.report.names import model_names
from roadworthy.report.reading import Reading

if TYPE_CHECKING:
    import polars as pl

HEADINGS = dict(
    zip(TRANSFER, ("transfer rate, %", "target among the judge's top 5, %"), strict=True)
)
_WIDTH = 48
_COLUMN = 16
"""Models with longer names have numbers in the heads of columns, which stand before their names."""


@dataclass(frozen=True)
class Line:
    """One source: what each judge makes of its adversarials, or why there are none.

    ``own`` is the column in which it judges its own.
    """

    source: str
    readings: Sequence[Reading | None]
    own: int
    reason: str = ""


@dataclass(frozen=True)
class Matrix:
    """One attack on one data set: a line for each source, a column for each judge, and means.

    ``clean`` is the accuracy of each judge on the clean images of the same frame, where all sources
    share one. ``notes`` are sentences.
    """

    title: str
    heading: str
    judges: Sequence[str]
    lines: Sequence[Line]
    clean: Sequence[Reading | None]
    notes: Sequence[str]


def handed_on(cell: Cell) -> bool:
    """Whether a cell is about inputs that were made for another model than its judge."""
    other = bool(cell.source) and cell.source != cell.model
    return other and (_attacked(cell) or cell.axis == "clean")


def _attacked(cell: Cell) -> bool:
    """Whether a cell is about an attack, even where nothing of it has a rate."""
    return TRANSFER[0] in cell.readings or cell.axis == "adversarial"


def matrices(summary: Mapping[str, Any], every: Sequence[Cell] | None = None) -> list[Matrix]:
    """Return a table for each attack that was handed on, variant and measure; models in their order.

    ``every`` are the cells of the summary, where they are at hand.
    """
    every = cells(summary) if every is None else every
    found: dict[tuple[str, str, str], dict[tuple[str, str], Cell]] = {}
    for cell in every:
        if cell.source and _attacked(cell) and not cell.pooled:
            pair = (cell.source, cell.model)
            found.setdefault((cell.stress, cell.variant, cell.data), {})[pair] = cell
    found = {
        key: pairs
        for key, pairs in found.items()
        if any(source != judge for source, judge in pairs)
    }
    several = len({key[2] for key in found}) > 1
    return [
        _matrix(summary, key, metric, pairs, every, several)
        for key, pairs in found.items()
        for metric in TRANSFER
        if metric == TRANSFER[0] or any(metric in cell.readings for cell in pairs.values())
    ]


def _matrix(
    summary: Mapping[str, Any],
    key: tuple[str, str, str],
    metric: str,
    pairs: Mapping[tuple[str, str], Cell],
    every: Sequence[Cell],
    several: bool,
) -> Matrix:
    stress, _, data = key
    listed = [text_of(entry, "spec") for entry in entries(summary.get("run"), "models")]
    present = {model for pair in pairs for model in pair}
    models = [m for m in listed if m in present] + sorted(present - {*listed})
    names, heads = _named(models)
    reasons = {
        text_of(entry, "model"): text_of(entry, "reason")
        for entry in entries(summary, "unavailable")
        if text_of(entry, "stress") == stress and text_of(entry, "data") == data
    }
    lines = []
    for place, source in enumerate(models):
        own = [pairs.get((source, judge)) for judge in models]
        readings = [cell.readings.get(metric) if cell else None for cell in own]
        if any(own) or source in reasons:
            reason = "" if any(own) else reasons[source]
            lines.append(Line(names[source], readings, place, reason))
    title = next(iter(pairs.values())).label + (f" · {data}" if several else "")
    values = {pair: cell.value(metric) for pair, cell in pairs.items()}
    known = {pair: value for pair, value in values.items() if value is not None}
    return Matrix(
        title,
        HEADINGS[metric],
        heads,
        lines,
        _clean(every, models, data),
        [*_means(known, _families(summary)), *_asymmetry(known), *_without(pairs, names)],
    )


def _named(models: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return what each model is called in front of its line, and in the heads of the columns."""
    names = model_names(models, _WIDTH)
    if max(map(len, names.values()), default=0) <= _COLUMN:
        return names, [names[model] for model in models]
    heads = [f"[{number}]" for number in range(1, len(models) + 1)]
    return {m: f"{head} {names[m]}" for m, head in zip(models, heads, strict=True)}, heads


def _clean(every: Sequence[Cell], models: Sequence[str], data: str) -> list[Reading | None]:
    """Return top-1 of each judge on clean images in the one frame of all sources, if it is one."""
    clean = [c for c in every if c.axis == "clean" and c.data == data and "(" not in c.stress]
    frames = {cell.source for cell in clean if cell.source not in ("", cell.model)}
    if len(frames) > 1:
        return []
    # A judge that saw the frame of another counts there; its own images are not those attacked.
    by_model = {cell.model: cell for cell in sorted(clean, key=handed_on)}
    return [by_model[m].readings.get("top1") if m in by_model else None for m in models]


def _families(summary: Mapping[str, Any]) -> dict[str, str]:
    models = entries(summary.get("run"), "models")
    return {text_of(entry, "spec"): text_of(entry, "family") for entry in models}


def _means(values: Mapping[tuple[str, str], float], families: Mapping[str, str]) -> Iterator[str]:
    """Yield the mean over all pairs of two models, and those within and between their families."""
    pairs = {pair: value for pair, value in values.items() if pair[0] != pair[1]}
    if not pairs:
        return
    yield f"mean over {_count(pairs)} of two models: {_mean(pairs.values()):.1f}"
    known = [(a, b) for a, b in pairs if families.get(a) and families.get(b)]
    for what, same in (("within", True), ("between", False)):
        own = [pairs[a, b] for a, b in known if (families[a] == families[b]) is same]
        if own:
            kind = "of one family" if same else "of two families"
            yield f"{what} families: {_mean(own):.1f} over {_count(own)} {kind}"
    if known and len(known) < len(pairs):
        yield f"{len(pairs) - len(known)} more with a model of no known family"


def _without(pairs: Mapping[tuple[str, str], Cell], names: Mapping[str, str]) -> Iterator[str]:
    """Yield which judges have no rate, which sources made nothing that has one, and what else has none."""
    rated = [pair for pair, cell in pairs.items() if TRANSFER[0] in cell.readings]
    sources, judges = ({pair[place] for pair in rated} for place in (0, 1))
    for judge in distinct(judge for _, judge in pairs):
        if judge not in judges:
            yield f"{names[judge]} has no image right that was attacked: as a judge it has no rate"
    for source in distinct(source for source, _ in pairs):
        if source not in sources:
            yield f"of {names[source]} no image was attacked, or no judge has one of them right"
    if any(pair not in rated and pair[0] in sources and pair[1] in judges for pair in pairs):
        yield "there is no rate where a judge has none of a source's attacked images right"


def _asymmetry(values: Mapping[tuple[str, str], float]) -> Iterator[str]:
    both = [(a, b) for a, b in values if a < b and (b, a) in values]
    if both:
        mean = _mean(abs(values[a, b] - values[b, a]) for a, b in both)
        yield f"asymmetry: one way and back differ by {mean:.1f} points on average"


def _count(pairs: Collection[Any]) -> str:
    return f"{len(pairs)} pair{'s' * (len(pairs) != 1)}"


def _mean(values: Any) -> float:
    listed = list(values)
    return float(sum(listed) / len(listed))


def own_cells(found: Sequence[Cell]) -> list[Cell]:
    """Return the cells that are about a model by itself, which stand in the other tables."""
    return [cell for cell in found if not handed_on(cell)]


def of_themselves(rows: pl.DataFrame, found: Sequence[Cell]) -> pl.DataFrame:
    """Return the rows about models by themselves: without those of the cells that were handed on."""
    import polars as pl

    on = ["model", "data", "source", "stress"]
    others = [tuple(getattr(cell, name) for name in on) for cell in found if handed_on(cell)]
    return rows.join(pl.DataFrame(others, dict.fromkeys(on, pl.String), orient="row"), on, "anti")


def fools_nothing(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a warning for each source whose attack reached its goal on no image of its own.

    Of several budgets it names those that did not, or the attack where none did.
    """
    sources = distinct(
        row["source"] for row in rows if row["metric"] == TRANSFER[0] and row["n"] > 0
    )
    found = [
        row
        for row in rows
        if row["metric"] == TRANSFER[0]
        and (row["source"], row["value"]) == (row["model"], 0.0)
        and row["source"] in sources
    ]
    whole = {_place(row) for row in found if not row["variant"]}
    found = [row for row in found if not row["variant"] or _place(row) not in whole]
    text = "the attack fools this model itself on no image: its adversarials say little of others"
    return [
        {
            **{key: str(row[key]) for key in ("model", "data")},
            "stress": label_of(row["stress"], row["variant"]),
            "flag": "fools_nothing",
            "text": text,
        }
        for row in found
    ]


def _place(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[key]) for key in ("model", "data", "stress"))


def lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the matrices as lines of plain text, rows being sources and columns judges."""
    made = []
    for one in matrices(summary):
        heads = ["source \\ judge", *one.judges]
        body = [[line.source, *(_shown(line, r) for r in line.readings)] for line in one.lines]
        if one.clean:
            body.append(["clean top-1, %", *(r.text if r else "–" for r in one.clean)])
        widths = [max(len(row[i]) for row in (heads, *body)) for i in range(len(heads))]
        made += ["", f"{one.title}: {one.heading}"]
        made += [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in (heads, *body)
        ]
        made += [
            *one.notes,
            *(f"n/a  {line.source}: {line.reason}" for line in one.lines if line.reason),
        ]
    return made


def _shown(line: Line, reading: Reading | None) -> str:
    if line.reason:
        return "n/a"
    return reading.text if reading else "–"
