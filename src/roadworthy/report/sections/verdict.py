"""The verdict in plain sentences, and what must not be overlooked."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Heading, Sentences, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.rules.base import Judged, sentences_of
from roadworthy.report.sections.base import section
from roadworthy.report.warned import warnings

MOST_MODELS = 6


@section(title="Verdict", place=0)
def verdict(evidence: Evidence) -> list[Block]:
    """Say what each model is fragile to, the worst first, and what to do about it."""
    made: list[Block] = [Text(text, "warn") for text in evidence.problems]
    warned = [Text(f"Warning: {text}", "warn") for text in warnings(evidence.summary)]
    if not evidence.cells:
        said = "Nothing was measured: the run has no results yet, or its summary is damaged."
        return [Text(said), *made, *warned]
    models = {cell.model: evidence.models[cell.model] for cell in evidence.cells}
    for model, name in list(models.items())[:MOST_MODELS]:
        made += [Heading(name)] if len(models) > 1 else []
        made.append(Sentences(sentences_of(Judged(evidence, model, name))))
    if len(models) > MOST_MODELS:
        made.append(Text(f"{len(models) - MOST_MODELS} more models are in the tables.", "soft"))
    return [*made, *warned]
