"""Cards of the most and the least overinterpreted images: whole, subset, mask, and confidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.report.blocks import Block, Heading, Panel, Picture, Pictures, Text
from roadworthy.report.names import clean_text
from roadworthy.report.reading import real
from roadworthy.report.subsets.audits import Audit
from roadworthy.report.subsets.pieces import Piece, piece_of
from roadworthy.report.thumbnail import drawn

if TYPE_CHECKING:
    import polars as pl

MOST_BYTES = 2_000_000
"""So much of the page may be pictures of subsets."""
EACH = 3
"""Images of each kind, of each audit."""

CAPTION = (
    "The frame that the model saw, the subset as it was shown to it, and which pixels those are, in "
    "white. The class is that which the model says of the whole image, in red where it is wrong."
)
KINDS = (("most overinterpreted: the smallest subsets", False), ("the largest subsets", True))


def cards(found: Sequence[Audit]) -> Iterator[Block]:
    """Show a few images of every audit with the smallest and the largest subsets."""
    left, gone, full = MOST_BYTES, 0, 0
    made: list[Block] = []
    for one in found:
        ordered = one.own.sort("kept", "sample")
        each = min(EACH, len(ordered) // 2 or len(ordered))
        for title, largest in KINDS[: 1 + (len(ordered) > 1)]:
            chosen = ordered.reverse().head(each) if largest else ordered.head(each)
            pictures = []
            for row in chosen.iter_rows(named=True):
                if left <= 0:
                    full += 1
                    continue
                pictures.append(_card(one, row))
                left -= sum(len(panel.uri) for panel in pictures[-1].panels)
                gone += len(pictures[-1].panels) < 3
            if pictures:
                text = f"{one.title}: {title}" if one.title else title.capitalize()
                made += [Heading(text), Pictures(pictures)]
    if made:
        yield Text(CAPTION, "soft")
    if gone:
        yield Text(
            f"{gone} subsets cannot be shown again; what was measured of them stands.", "warn"
        )
    yield from made
    if full:
        yield Text(f"{full} more would make the page too large.", "soft")


def _card(one: Audit, row: Mapping[str, Any]) -> Picture:
    view = one.evidence.view
    piece = piece_of(view, row)
    truth, said = (_named(one, row[name]) for name in ("label", "target"))
    whole = _whole(one.clean, row)
    seen = f"{100 * row['kept']:.3g} % of the pixels, {_share(row['conf_target'])} sure"
    lines = [f"{seen}; of the whole {whole}" if whole else seen]
    if row["target"] != row["label"]:
        lines.insert(0, f"truth: {truth}")
    if real(row["minimal"]) is not None:
        lines.append(f"after a deletion pass {100 * row['minimal']:.3g} %")
    return Picture(
        panels=list(_panels(piece, said)),
        strong=said,
        beside="",
        lines=lines,
        soft=[clean_text(row["sample"], limit=200)],
        why=clean_text(piece.why, limit=200),
        about=one.about,
        right=row["target"] == row["label"],
    )


def _panels(piece: Piece, said: str) -> Iterator[Panel]:
    if piece.whole is not None:
        yield Panel(drawn(piece.whole), "whole", f"an image taken for {said}")
    if piece.shown is not None:
        yield Panel(drawn(piece.shown, exact=True), "subset", f"the pixels that suffice for {said}")
    if piece.kept is not None:
        mask = drawn(255 * piece.kept.astype(np.uint8), exact=True)
        yield Panel(mask, "mask", "where these pixels lie")


def _whole(clean: pl.DataFrame, row: Mapping[str, Any]) -> str:
    """Return how sure the model is of the whole image; empty where it is not known."""
    known = clean.filter(sample=row["sample"])["conf"].to_list()
    return _share(known[0]) if known else ""


def _share(conf: Any) -> str:
    """Return a probability in percent, with as many digits as tell it from 100."""
    known = real(conf)
    if known is None:
        return "–"
    return f"{100 * known:.1f} %" if known < 0.9995 else f"{100 * known:.4g} %"


def _named(one: Audit, label: Any) -> str:
    if not isinstance(label, int):
        return "–"
    name = one.evidence.view.class_name(one.spec, label)
    return clean_text(name, limit=120)
