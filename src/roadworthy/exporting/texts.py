"""A run in the formats that are text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from roadworthy.errors import UsageError
from roadworthy.exporting import rows
from roadworthy.exporting.card import card
from roadworthy.exporting.choice import Choice, chosen
from roadworthy.exporting.formats import TextFormat
from roadworthy.exporting.headline import Paper, headline
from roadworthy.exporting.latex import latex
from roadworthy.exporting.markdown import escaped, markdown
from roadworthy.exporting.tables import tables_of
from roadworthy.report.evidence import Evidence

Write = Callable[[Evidence, Choice], str]


def as_markdown(evidence: Evidence, choice: Choice) -> str:
    """Return the headline table, or the tables of a section, with what must be said below."""
    if choice.section is not None:
        only(choice, "section", by="--section")
        tables = tables_of(evidence, choice.section)
        return "\n\n".join("\n".join(markdown(table)) for table in tables) + "\n"
    paper = _paper(evidence, choice)
    notes = [f"- {escaped(note)}" for note in paper.notes]
    return "\n".join([*markdown(paper.table), *([""] if notes else []), *notes]) + "\n"


def as_latex(evidence: Evidence, choice: Choice) -> str:
    """Return the headline table, or the tables of a section, each a float with a label."""
    if choice.section is not None:
        only(choice, "section", by="--section")
        label = f"tab:{choice.section}"
        tables = enumerate(tables_of(evidence, choice.section), 1)
        return "\n".join(latex(table, label=f"{label}-{place}") for place, table in tables)
    paper = _paper(evidence, choice)
    return latex(paper.table, notes=paper.notes)


def as_csv(evidence: Evidence, choice: Choice) -> str:
    """Return all rows of the summary as CSV."""
    only(choice, "model", "metrics", by="csv")
    return rows.csv(rows.rows_of(chosen(evidence.summary, choice)))


def as_json(evidence: Evidence, choice: Choice) -> str:
    """Return all rows of the summary as a JSON list."""
    only(choice, "model", "metrics", by="json")
    return rows.as_json(rows.rows_of(chosen(evidence.summary, choice)).to_dicts())


def as_card(evidence: Evidence, choice: Choice) -> str:
    """Return a section of a model card."""
    only(choice, "model", "metrics", "intervals", by="model-card")
    summary = chosen(evidence.summary, choice)
    return card(summary, choice, _paper(evidence, choice))


def _paper(evidence: Evidence, choice: Choice) -> Paper:
    """Return the headline table; what is wrong with the run itself is the first of its notes."""
    paper = headline(chosen(evidence.summary, choice), choice)
    return replace(paper, notes=[*evidence.view.problems, *paper.notes])


WRITERS: Mapping[TextFormat, Write] = {
    "md": as_markdown,
    "latex": as_latex,
    "csv": as_csv,
    "json": as_json,
    "model-card": as_card,
}


def only(choice: Choice, *known: str, by: str) -> None:
    """Raise UsageError for a choice that ``by`` has no use for, rather than ignore it."""
    for name in ("model", "metrics", "section", "intervals"):
        if name not in known and getattr(choice, name) != getattr(Choice(), name):
            raise UsageError(f"{by} goes without a choice of {name}; leave it out")
