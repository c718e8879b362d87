"""The verdict in plain sentences, and what must not be overlooked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.report.blocks import Block, Fold, Heading, Sentences, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.rules.base import Judged, sentences_of
from roadworthy.report.sections.base import section
from roadworthy.report.sentence import Sentence
from roadworthy.report.warned import warnings

MOST_MODELS = 6
READ = (
    "Brackets are 95 % intervals: of all images of this kind the value most likely lies within them. "
    "Points are percentage points."
)
FIRST = 3
"""So many sentences of each of several models are open, besides notes."""


def _once(sentence: Sentence, name: str, advised: dict[str, str]) -> Sentence | None:
    """Return a sentence whose advice is given only for the first model, and notes with it."""
    first = advised.setdefault(sentence.advice, name)
    if first == name or not sentence.advice:
        return sentence
    if sentence.level == "note":
        return None
    return replace(sentence, advice=f"as for {first}.")


def _one(name: str, said: Sequence[Sentence]) -> list[Block]:
    """Return the sentences of one model among several: notes and the worst, the others folded."""
    notes = [one for one in said if one.level == "note"]
    ranked = [one for one in said if one.level != "note"]
    shown, more = [*notes, *ranked[:FIRST]], ranked[FIRST:]
    fold = [Fold(f"{len(more)} more of {name}", [Sentences(more)])] if more else []
    return [Heading(name), Sentences(shown), *fold]


@section(title="Verdict", place=0)
def verdict(evidence: Evidence) -> list[Block]:
    """Say what each model is fragile to, the worst first, and what to do about it."""
    made: list[Block] = [Text(text, "warn") for text in evidence.problems]
    warned = [Text(f"Warning: {text}", "warn") for text in warnings(evidence.summary)]
    if not evidence.cells:
        said = "Nothing was measured: the run has no results yet, or its summary is damaged."
        return [Text(said), *made, *warned]
    models = {cell.model: evidence.models[cell.model] for cell in evidence.cells}
    advised: dict[str, str] = {}
    for model, name in list(models.items())[:MOST_MODELS]:
        every = sentences_of(Judged(evidence, model, name))
        said_of = [s for one in every if (s := _once(one, name, advised)) is not None]
        made += _one(name, said_of) if len(models) > 1 else [Sentences(said_of)]
    if len(models) > MOST_MODELS:
        made.append(Text(f"{len(models) - MOST_MODELS} more models are in the tables.", "soft"))
    return [*made, Text(READ, "soft"), *warned]
