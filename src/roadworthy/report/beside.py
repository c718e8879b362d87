"""Published figures beside measured ones, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.report.cells import distinct, entries, label_of, text_of
from roadworthy.report.names import short_names
from roadworthy.report.reading import Reading, reading_of


@dataclass(frozen=True)
class Beside:
    """One figure as measured and as published."""

    model: str
    stress: str
    metric: str
    measured: Reading
    published: Reading
    verdict: str
    source: str


def published_rows(summary: Mapping[str, Any]) -> list[Beside]:
    """Return published figures beside measured ones."""
    every = entries(summary, "reference")
    names = short_names(distinct(text_of(one, "model") for one in every), 48)
    return [_beside(one, names) for one in every]


def _beside(one: Mapping[str, Any], names: Mapping[str, str]) -> Beside:
    unit = text_of(one, "unit") or "percent"
    measured, published = (_reading(one.get(name), unit) for name in ("measured", "published"))
    told = one.get("published")
    source = text_of(told, "source") if isinstance(told, Mapping) else ""
    images = told.get("images") if isinstance(told, Mapping) else None
    return Beside(
        model=names[text_of(one, "model")],
        stress=label_of(text_of(one, "stress"), text_of(one, "variant")),
        metric=text_of(one, "metric"),
        measured=measured,
        published=published,
        verdict=_verdict(measured, published),
        source=f"{source}, {images} images" if isinstance(images, int) else source,
    )


def _reading(value: Any, unit: str) -> Reading:
    found = isinstance(value, Mapping)
    return reading_of(value, unit=unit) if found else Reading(None, None, None)


def _verdict(measured: Reading, published: Reading) -> str:
    ends = (measured.low, measured.high, published.low, published.high)
    if None in ends:
        return ""
    low, high, least, most = (end or 0.0 for end in ends)
    return "bands overlap" if low <= most and least <= high else "bands apart"
