"""A gate as text: Markdown for pull requests, a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from roadworthy.comparing.text import Block
from roadworthy.comparing.text import markdown as markdown_of
from roadworthy.gating.result import WORST, Check, Gate
from roadworthy.report.cells import label_of
from roadworthy.report.names import model_names, short_names
from roadworthy.report.reading import Reading

if TYPE_CHECKING:
    from rich.table import Table

SAID = {"pass": "passed", "fail": "failed", "undecided": "undecided"}
STYLES = {"pass": "green", "fail": "bold red", "undecided": "yellow"}
ROOM = 48


def markdown(found: Gate) -> str:
    """Return a gate as Markdown, ending in a newline."""
    heads, rows = table_of(found)
    names = len(heads) - 2
    coded = [[row[0], *map(_code, row[1:names]), *row[names:]] for row in rows]
    parts = [f"**{_plain(headline(found))}**", ""]
    parts += markdown_of(Block("", heads, coded, left=names))
    below = [f"- {_code(about)}: {_plain(text)}" for about, text in reasons_of(found)]
    below += [f"- {_plain(note)}" for note in found.notes]
    return "\n".join([*parts, *([""] if below else []), *below]) + "\n"


def headline(found: Gate) -> str:
    """Return the outcome in one line: ``Gate failed: 1 failed, 1 undecided, 2 passed``."""
    counts = [
        f"{sum(check.status == status for check in found.checks)} {SAID[status]}"
        for status in WORST
        if any(check.status == status for check in found.checks)
    ]
    return f"Gate {SAID[found.status]}: {', '.join(counts)} ({found.folder})"


def table_of(found: Gate) -> tuple[Sequence[str], list[list[str]]]:
    """Return headings and rows, one row a check."""
    naming = [
        name
        for name in ("model", "data")
        if len({getattr(check, name) for check in found.checks if getattr(check, name)}) > 1
    ]
    shorten = {"model": model_names, "data": short_names}
    short = {
        name: shorten[name]([getattr(check, name) for check in found.checks], ROOM)
        for name in naming
    }
    rows = [
        [
            SAID[check.status],
            check.requirement.text,
            label_of(check.stress, check.variant) if check.stress else "",
            *(short[name][getattr(check, name)] for name in naming),
            Reading(check.found.value, check.found.low, check.found.high, check.unit).full,
            str(check.found.n),
        ]
        for check in found.checks
    ]
    return ("result", "requirement", "stress", *naming, "value", "n"), rows


def reasons_of(found: Gate) -> Iterator[tuple[str, str]]:
    """Yield requirements that are undecided or have failed images, and what to know of them."""
    short = model_names([check.model for check in found.checks], ROOM)
    several = len({check.model for check in found.checks if check.model}) > 1
    for check in found.checks:
        who = f"{short[check.model]}: " if several and check.model else ""
        if check.status == "undecided":
            yield check.requirement.text, f"{who}{why(check)}"
        if check.failed:
            text = f"{who}{check.failed} images failed and are not among the {check.found.n}"
            yield check.requirement.text, text


def why(check: Check) -> str:
    """Return why a check is undecided, and how many images would decide it."""
    decision = check.decision
    if check.found.n == 0 or check.found.value is None or check.found.low is None:
        return decision.reason
    if decision.needed is None and check.found.high is None:
        return f"{decision.reason}, whose upper end more images may bring down from infinity"
    if decision.needed is None:
        return f"{decision.reason}; the value is so close to it that no number of images decides"
    there = ""
    if check.available is not None and check.available < decision.needed:
        there = f" (the data set has {check.available})"
    return f"{decision.reason}; about {decision.needed} images would decide{there}"


def table(found: Gate) -> Table:
    """Return a gate as a rich table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    heads, rows = table_of(found)
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left")
    made.title = Text(headline(found), style=STYLES[found.status])
    for place, head in enumerate(heads):
        if place < len(heads) - 2:
            made.add_column(Text(head), overflow="fold")
        else:
            made.add_column(Text(head), justify="right", no_wrap=True)
    for check, row in zip(found.checks, rows, strict=True):
        made.add_row(Text(row[0], style=STYLES[check.status]), *map(Text, row[1:]))
    below = [f"{about}: {text}" for about, text in reasons_of(found)]
    made.caption = Text("\n".join([*below, *found.notes]))
    made.caption_justify = "left"
    return made


def _code(text: str) -> str:
    """Return a name as code, in which nothing is taken for markup."""
    return f"`{text.replace('`', chr(39)).replace(chr(10), ' ')}`" if text else ""


def _plain(text: str) -> str:
    """Keep what stands in a sentence from being taken for markup."""
    return text.replace("<", "&lt;").replace("\n", " ")
