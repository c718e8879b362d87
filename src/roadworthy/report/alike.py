"""Variants that read files alike, bit for bit: which were judged once, under whose name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.report.cells import distinct, entries, text_of
from roadworthy.report.names import clean_text
from roadworthy.run import Run

NAMES = ("data", "model", "stress")


def alike(run: Run) -> list[dict[str, Any]]:
    """Return, as the newest invocation that asked for each stress says, what stands for what."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in run.runs:
        again = {tuple(cell[name] for name in NAMES) for cell in one.get("cells", [])}
        found = {key: entry for key, entry in found.items() if key[:3] not in again}
        for entry in one.get("alike", []):
            found[*(entry[name] for name in NAMES), entry["variant"]] = entry
    return list(found.values())


def alike_notes(summary: Mapping[str, Any]) -> list[str]:
    """Return sentences that say which variants are the same, each once for all models."""
    return distinct(_sentence(entry) for entry in entries(summary.get("run"), "alike"))


def _sentence(entry: Mapping[str, Any]) -> str:
    same = entry.get("same")
    others = [clean_text(key) for key in same] if isinstance(same, list) else []
    variant = text_of(entry, "variant")
    what = f"{text_of(entry, 'stress').partition('(')[0]}: {variant}"
    clean = "reads files as the model itself does, so that its numbers are those of clean"
    if not others:
        return f"{what} {clean}"
    listed = ", ".join(others)
    said = f"{what} stands for {listed} as well: the same pixels, decoded and judged once"
    return f"{said}; it {clean}" if entry.get("clean") else said
