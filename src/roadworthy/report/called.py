"""Short names of models for charts and tables over many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from roadworthy.report.cells import distinct, entries, text_of
from roadworthy.report.names import clean_text, middle, model_names, spec_and_precision
from roadworthy.studies.groups import NORMAL, about

_WIDTH = 36


def called(summary: Mapping[str, Any], models: Iterable[str]) -> dict[str, str]:
    """Return a name for each model: its architecture, and how it was trained if not normally.

    Those that this does not tell apart have the names of `model_names`.
    """
    known = distinct(models)
    facts = {text_of(entry, "spec"): entry for entry in entries(summary.get("run"), "models")}
    names = {model: _name(model, facts.get(spec_and_precision(model)[0])) for model in known}
    times, longer = Counter(names.values()), model_names(known, _WIDTH)
    found = {model: name if times[name] == 1 else longer[model] for model, name in names.items()}
    return found if len(set(found.values())) == len(known) else longer


def _name(model: str, facts: Mapping[str, Any] | None) -> str:
    known, (_, precision) = about(model, facts), spec_and_precision(model)
    group = "" if known.group == NORMAL else f" ({known.group})"
    return middle(clean_text(f"{known.architecture}{group}{precision}"), _WIDTH)
