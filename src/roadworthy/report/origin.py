"""How a chart was made: stresses, models, data, seed, versions and the command that does it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.report.cells import distinct, entries
from roadworthy.report.evidence import Evidence
from roadworthy.report.facts import facts

MOST = 12
"""So many specs are listed; what more there are is counted."""


def origin(evidence: Evidence, stresses: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return how what is shown of ``stresses`` was made, as names with texts; of all without any.

    Versions, seed and command are those of the newest invocation that asked for one of them.
    """
    chosen = set(stresses)
    cells = [cell for cell in evidence.every if not chosen or cell.stress in chosen]
    listed = {
        "stress": list(stresses) or distinct(cell.stress for cell in cells),
        "model": distinct(cell.model for cell in cells),
        "data": distinct(cell.data for cell in cells),
    }
    pairs = [(name, _listed(texts)) for name, texts in listed.items() if texts]
    about = _newest(evidence.view.runs, chosen)
    options = about.get("options")
    seed = options.get("seed") if isinstance(options, Mapping) else evidence.run.get("seed")
    about = {"seed": seed, "versions": about.get("versions"), "command": about.get("command")}
    return [*pairs, *facts(about)]


def _newest(runs: Sequence[Mapping[str, Any]], chosen: set[str]) -> Mapping[str, Any]:
    asked = [
        run
        for run in runs
        if not chosen or any(cell.get("stress") in chosen for cell in entries(run, "cells"))
    ]
    return next(reversed(asked or list(runs)), {})


def _listed(texts: Sequence[str]) -> str:
    more = f" … and {len(texts) - MOST} more" if len(texts) > MOST else ""
    return "; ".join(texts[:MOST]) + more
