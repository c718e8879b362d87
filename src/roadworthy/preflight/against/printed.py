"""Two artefacts as lines for people, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.models.check.report import wrapped
from roadworthy.preflight.against.judged import CHANGES
from roadworthy.preflight.against.report import Artefacts
from roadworthy.preflight.printed import closed, comparison_lines, price_lines


def printed(found: Artefacts) -> str:
    """Return the report as lines."""
    parts = [list(_head(found)), list(_logits(found)), list(_tensors(found)), list(_costs(found))]
    return closed(parts, found.manifest, suggestions=found.suggestions, gate=found.gate)


def _head(found: Artefacts) -> Iterator[str]:
    yield from wrapped("", f"{found.first} against {found.second}, on {found.data}")
    for note in found.notes:
        yield from wrapped("note: ", note)


def _logits(found: Artefacts) -> Iterator[str]:
    logits = found.logits
    yield f"same tensor -> logits, on {logits.n} images as the first artefact is given them:"
    if not logits.largest and not logits.broken:
        yield "the same to the last bit"
        return
    yield (
        f"difference  max {logits.largest:.3g}, mean {logits.mean:.3g}; "
        f"{100 * logits.relative:.2g} % of the spread of the logits, {logits.spread:.3g}, at most"
    )
    yield f"cosine      mean {logits.cosine:.6f}, least {logits.least_cosine:.6f}"
    yield f"agreement   {logits.agreement:.2f} % of predictions"
    if logits.broken:
        mine, theirs = logits.broken_in
        yield f"not finite  {mine} answers of the first artefact, {theirs} of the second"


def _tensors(found: Artefacts) -> Iterator[str]:
    yield "same file -> tensors:"
    if found.comparison is None:
        yield "not compared: one of the pipelines is not known well enough"
    else:
        yield from comparison_lines(found.comparison)
    for sentence in found.open_parts:
        yield from wrapped("note: ", sentence)
    first = found.diverges
    if first is None:
        yield "neither a stage nor the network diverges"
    else:
        yield f"first to diverge: {first}"


def _costs(found: Artefacts) -> Iterator[str]:
    yield from price_lines(found.prices)
    count, rate, low, high = found.flips
    yield (
        f"flips: {count} of {found.prices.n} predictions, {rate:.2f} %, 95 % [{low:.2f}, {high:.2f}]"
    )
    if len(found.prices.rows) < len(CHANGES):
        yield "both read every file alike: all of it is the network's"
    if found.failures:
        yield from wrapped(
            "note: ", f"{len(found.failures)} images cannot be read, first {found.failures[0]}"
        )
