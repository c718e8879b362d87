"""The section on systematic suites: a matrix, every pipeline with its test, strata of files, the stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.report.blocks import Block, Column, Entry, Group, Heading, Row, Table, Text, shown
from roadworthy.report.cells import distinct, entries, label_of, text_of
from roadworthy.report.names import clean_text, short_names
from roadworthy.report.reading import Reading, count, number, real

FACTORS = {
    "decode": "Decoder",
    "resize": "Resizer",
    "pair": "Decoder and resizer",
    "colour": "Colour",
    "fp16": "Half precision",
    "int8": "8 bits",
    "ceil": "Pooling",
}
HOT = 10.0
"""Points lost that are shown in full red, lest one image look like a disaster."""

MATRIX = (
    "Drops in top-1, in points, under each decoder (columns) and resizer (rows); strong is the pipeline "
    "that the others are compared with. Pairs that were not judged are dashes."
)
EACH = (
    "Each pipeline against the reference, image by image. Lost and gained are images that are right "
    "only before and only after; p is that of McNemar's exact test, and Holm's corrects it for the "
    "number of pipelines of the suite. A smaller drop than is detectable would have been missed in "
    "more than one of five such runs."
)
STEPS = (
    "The option of each kind that costs most by itself, one more in each line. They were chosen on "
    "these images, so that on others the whole stack costs somewhat less."
)
STRATA = {
    "chroma": "Drops by how the file stores colour, with the share of changed predictions: decoders "
    "differ most where chroma has fewer pixels than brightness.",
    "downscale": "Drops by how much the picture is shrunk (1 is not at all), with the share of changed "
    "predictions: resizers differ most where pixels are left out.",
}
DIVIDED = {"chroma": ("decode", "pair"), "downscale": ("resize", "pair")}
"""The factors whose pipelines a division of files says something about."""


def suites_of(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a summary says of systematic suites; nothing where it is damaged."""
    return entries(summary, "systematic")


def pipeline_notes(summary: Mapping[str, Any]) -> list[str]:
    """Return what must be known of each systematic suite, in a few lines for the terminal."""
    found = suites_of(summary)
    several = len({(text_of(one, "model"), text_of(one, "data")) for one in found}) > 1
    notes = []
    for one in found:
        model = text_of(one, "model")
        who = f"{text_of(one, 'suite')}{f' ({model})' if several else ''}"
        notes += [f"{who}: {text}" for text in (*_worst(one), *_noticed(one), *_twins(one))]
    return distinct(notes)


def pipeline_blocks(summary: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the blocks of every systematic suite."""
    found = suites_of(summary)
    models = short_names([text_of(one, "model") for one in found], 48)
    several = len(models) > 1 or len({text_of(one, "data") for one in found}) > 1
    for one in found:
        who = " · ".join((models[text_of(one, "model")], text_of(one, "data")))
        yield Heading(who if several else "", code=text_of(one, "suite"))
        for text in (*_worst(one), *_noticed(one), *_twins(one)):
            yield Text(f"{text[0].upper()}{text[1:]}.", "soft")
        yield from _matrix(one)
        yield from _each(one)
        yield from _steps(one)
        for by, caption in STRATA.items():
            yield from _strata(one, by, caption)


def name_of(entry: Mapping[str, Any]) -> str:
    """Return how a pipeline is called: its stress with the values of its variant."""
    return label_of(text_of(entry, "stress"), text_of(entry, "variant"))


def drop_of(entry: Mapping[str, Any], name: str = "drop") -> Reading:
    """Return the drop, or another estimate, of a pipeline with its interval."""
    unit = "points" if name == "drop" else "percent"
    value, low, high = (real(entry.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    return Reading(value, low, high, unit, count(entry.get("n")))


def _worst(one: Mapping[str, Any]) -> Iterator[str]:
    known = [p for p in entries(one, "pipelines") if drop_of(p).value is not None]
    if not known:
        return
    found = one.get("worst")
    lost = drop_of(found) if isinstance(found, Mapping) else drop_of(max(known, key=_cost))
    name = name_of(max(known, key=_cost))
    yield f"of {len(known)} pipelines {name} is the worst: {lost.full} points lost"
    steps = entries(one, "steps")
    if steps:
        yield f"the worst of each kind together: {drop_of(steps[-1]).full} points lost"


def _cost(entry: Mapping[str, Any]) -> tuple[float, ...]:
    """Return what pipelines are ranked by, as those of a stack are chosen."""
    found = (real(entry.get(name)) for name in ("drop", "changed", "mean_kl"))
    return tuple(value or 0.0 for value in found)


def _noticed(one: Mapping[str, Any]) -> Iterator[str]:
    found = [real(p.get("detectable")) for p in entries(one, "pipelines")]
    known = [value for value in found if value is not None]
    n = max((count(p.get("n")) for p in entries(one, "pipelines")), default=0)
    if known:
        least, most = number(min(known), "points"), number(max(known), "points")
        sizes = f"{least} points" if least == most else f"{least} to {most} points"
        yield f"{n} images show a drop of {sizes}, by pipeline, in 80 % of runs, and smaller ones in fewer"
    elif n:
        yield f"no verdict changed on {n} images, which says nothing of how small a drop they would show"


def _twins(one: Mapping[str, Any]) -> Iterator[str]:
    same: dict[str, list[str]] = {}
    for pair in entries(one, "same"):
        same.setdefault(text_of(pair, "like"), []).append(text_of(pair, "stress"))
    for like, stresses in same.items():
        what = "as the model does by itself" if like.startswith("clean") else f"as {like} does"
        yield f"judged once, since they read files {what}, bit for bit: {', '.join(stresses)}"


def _matrix(one: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the drops by decoder and resizer, where both are swept."""
    reference = one.get("reference")
    read = [
        p for p in entries(one, "pipelines") if text_of(p, "factor") in ("decode", "resize", "pair")
    ]
    usual = _place(reference) if isinstance(reference, Mapping) else ("", "")
    places = {_place(p): p for p in read}
    columns = distinct([usual[0], *(decoder for decoder, _ in places)])
    rows = distinct([usual[1], *(resizer for _, resizer in places)])
    if len(columns) < 2 or len(rows) < 2 or not all((*columns, *rows)):
        return
    worst = max([HOT, *(drop_of(p).value or 0.0 for p in read)])
    lines = [
        Row([Entry(row, code=True), *(_drop(places, (c, row), usual, worst) for c in columns)])
        for row in rows
    ]
    heads = [Column("resizer"), *(Column(text, number=True, code=True) for text in columns)]
    yield Table(heads, [Group("", lines)], MATRIX)


def _place(entry: Mapping[str, Any]) -> tuple[str, str]:
    return text_of(entry, "decoder"), text_of(entry, "resize")


def _drop(
    places: Mapping[tuple[str, str], Mapping[str, Any]],
    place: tuple[str, str],
    usual: tuple[str, str],
    worst: float,
) -> Entry:
    if place == usual:
        return Entry("0.0", number=True, strong=True, title="the reference")
    found = places.get(place)
    if found is None:
        return Entry("–", number=True)
    reading = drop_of(found)
    heat = max(0.0, (reading.value or 0.0) / worst)
    title = f"{name_of(found)}: {reading.full}, n = {reading.n}"
    return Entry(reading.text, title=title, number=True, heat=heat)


def _each(one: Mapping[str, Any]) -> Iterator[Block]:
    heads = (
        "drop, points",
        "changed %",
        "lost",
        "gained",
        "p",
        "p (Holm)",
        "detectable",
        "mean KL, nats",
    )
    columns = [Column("pipeline"), *(Column(head, number=True) for head in heads)]
    groups = [
        Group(FACTORS.get(factor, factor), [_line(p) for p in own])
        for factor, own in _by_factor(entries(one, "pipelines"))
    ]
    if groups:
        yield Table(columns, groups, EACH)


def _by_factor(found: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for factor in distinct(text_of(p, "factor") for p in found):
        own = [p for p in found if text_of(p, "factor") == factor]
        yield factor, sorted(own, key=_cost, reverse=True)


def _line(entry: Mapping[str, Any]) -> Row:
    detectable = Reading(real(entry.get("detectable")), None, None, "points")
    kl = Reading(real(entry.get("mean_kl")), None, None, "nats")
    return Row(
        [
            Entry(name_of(entry), code=True),
            shown(drop_of(entry)),
            shown(drop_of(entry, "changed")),
            *(Entry(str(count(entry.get(name))), number=True) for name in ("lost", "gained")),
            Entry(_p(entry.get("p")), number=True),
            Entry(_p(entry.get("holm_p")), number=True, strong=_significant(entry)),
            shown(detectable),
            shown(kl),
        ]
    )


def _significant(entry: Mapping[str, Any]) -> bool:
    p = real(entry.get("holm_p"))
    return p is not None and p < 0.05


def _p(value: Any) -> str:
    p = real(value)
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _steps(one: Mapping[str, Any]) -> Iterator[Block]:
    rows = [
        Row(
            [
                Entry(("+ " if place else "") + text_of(step, "added"), code=True),
                shown(drop_of(step)),
                shown(drop_of(step, "changed")),
                Entry(_p(step.get("p")), number=True),
                Entry(str(count(step.get("n"))), number=True),
            ]
        )
        for place, step in enumerate(entries(one, "steps"))
    ]
    heads = ("drop, points", "changed %", "p", "n")
    if rows:
        columns = [Column("added"), *(Column(head, number=True) for head in heads)]
        yield Table(columns, [Group("", rows)], STEPS)


def _strata(one: Mapping[str, Any], by: str, caption: str) -> Iterator[Block]:
    mine = [s for s in entries(one, "strata") if text_of(s, "by") == by]
    strata = distinct(text_of(s, "stratum") for s in mine)
    known = {(name_of(s), text_of(s, "stratum")): s for s in mine}
    largest = {
        text: max(count(s.get("n")) for s in mine if text_of(s, "stratum") == text)
        for text in strata
    }
    groups = []
    for factor, own in _by_factor(entries(one, "pipelines")):
        if factor and factor not in DIVIDED[by]:
            continue
        rows = [
            Row(
                [Entry(name_of(p), code=True), *(_part(known.get((name_of(p), s))) for s in strata)]
            )
            for p in own
        ]
        groups.append(Group(FACTORS.get(factor, factor), rows))
    if strata and groups:
        heads = [Column(f"{clean_text(s)} (n = {largest[s]})", number=True) for s in strata]
        yield Table([Column("pipeline"), *heads], groups, caption)


def _part(entry: Mapping[str, Any] | None) -> Entry:
    if entry is None:
        return Entry("–", number=True)
    drop, changed = drop_of(entry), drop_of(entry, "changed")
    title = f"{drop.full} points, {changed.full} % changed, n = {drop.n}"
    return Entry(drop.text, f"{changed.text} % changed", title, number=True)
