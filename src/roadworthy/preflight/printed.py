"""A preflight of pipelines as lines for people, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from roadworthy.models.check.report import Report, lines, text, wrapped
from roadworthy.preflight.against.report import Artefacts
from roadworthy.preflight.compare import Comparison
from roadworthy.preflight.findings import findings_of
from roadworthy.preflight.gate import Gate
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.manifest import in_words
from roadworthy.preflight.prices import Prices, Row
from roadworthy.preflight.production.report import Production
from roadworthy.preflight.recipes import SAID
from roadworthy.preflight.report import Preflight, sides
from roadworthy.preflight.suggest import Suggestion


def printed(report: Report | Preflight | Artefacts | Production) -> str:
    """Return any kind of report as lines."""
    if isinstance(report, Report):
        return text(report)
    if isinstance(report, Artefacts):
        from roadworthy.preflight.against.printed import printed as of_artefacts

        return of_artefacts(report)
    if isinstance(report, Production):
        from roadworthy.preflight.production.printed import printed as of_production

        return of_production(report)
    parts = [text(report.model).splitlines()] if report.model else []
    parts += [list(_identity(role, identity)) for role, identity in sides(report)]
    if report.comparison is not None:
        parts.append(list(_comparison(report.comparison, report.open_parts)))
    if report.prices is not None:
        parts.append(list(price_lines(report.prices)))
    return closed(parts, report.manifest, suggestions=report.suggestions, gate=report.gate)


def closed(
    parts: Sequence[Sequence[str]],
    manifest: dict[str, str],
    *,
    suggestions: Sequence[Suggestion] = (),
    gate: Gate | None = None,
) -> str:
    """Return parts of a report and what ends every one: what to do, the decision, what it was read with."""
    whole = list(parts)
    if suggestions:
        whole.append(suggestion_lines(suggestions))
    if gate is not None:
        whole.append(wrapped(f"{gate.decision}: ", gate.sentence))
    whole.append(wrapped("read with ", in_words(manifest)))
    return "\n\n".join("\n".join(part) for part in whole)


def _identity(role: str, identity: Identity) -> Iterator[str]:
    yield from wrapped("", f"{role}: {identity.spec}, which takes {identity.takes}")
    found = list(findings_of(identity))
    told = all(component.evidence == SAID for component in identity.components)
    yield from lines([] if told else found, identity.notes)
    numbers = "" if identity.mean is None else f", mean={identity.mean}, std={identity.std}"
    yield from wrapped("in our terms: ", f"{str(identity.pipeline)[:-1]}{numbers})")


def suggestion_lines(found: Sequence[Suggestion]) -> list[str]:
    """Return what to do about each factor."""
    wide = max(len(s.factor) for s in found)
    told = [wrapped(f"{s.factor:<{wide}}  ", s.sentence) for s in found]
    return ["what to do:", *(line for part in told for line in part)]


def _comparison(found: Comparison, open_parts: Sequence[str]) -> Iterator[str]:
    yield from comparison_lines(found)
    first = found.first
    yield f"first to diverge: {first}" if first else "no stage diverges"
    for sentence in open_parts:
        yield from wrapped("note: ", sentence)


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yield a line on each stage."""
    yield f"stage by stage, on {found.pictures} {found.kind}, in levels of 255:"
    for stage in found.stages:
        said = "the same" if stage.same else stage.shapes or str(stage.difference)
        yield f"{stage.name:<10} {said}"


def price_lines(prices: Prices) -> Iterator[str]:
    """Yield the bill as a table, and what each line is about."""
    what = "" if prices.labelled else ", without labels: only what changes"
    yield f"what it costs, on {prices.n} images{what}:"
    head = ("", "input", "top-1", "drop", "95 %", "flips", "KL", "p", "detects")
    rows = [head, *(_cells(row) for row in prices.rows)]
    wide = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for cells in rows:
        first, *others = cells
        numbers = "  ".join(f"{cell:>{w}}" for cell, w in zip(others, wide[1:], strict=True))
        yield f"{first:<{wide[0]}}  {numbers}".rstrip()
    for row in prices.rows:
        if row.change:
            none = " (changes none of these images)" if row.untouched else ""
            yield from wrapped(f"{row.name}: ", row.change + none)
    if prices.worst is not None:
        yield f"worst by itself: {prices.worst.name}"
    for sentence in prices.notes:
        yield from wrapped("note: ", sentence)


def _cells(row: Row) -> tuple[str, ...]:
    price = row.price
    between = "" if price.low is None else f"[{price.low:.1f}, {price.high:.1f}]"
    return (
        row.name,
        _number(row.levels, ".2f"),
        _number(price.after, ".1f"),
        _number(price.drop, ".2f"),
        between,
        f"{price.flips:.1f} %",
        _number(price.kl if isfinite(price.kl) else None, ".3f"),
        _number(price.p, ".2g"),
        _number(price.detectable, ".1f"),
    )


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value + 0.0, form)
