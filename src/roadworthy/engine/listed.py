"""Members of model lists that are not judged, beside the pairs that cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.engine.plan import Plan, Unavailable
from roadworthy.models.lists import Skipped


def with_skipped(planned: Plan, skipped: Sequence[Skipped]) -> Plan:
    """Return the plan with the members of lists that are left out, and why, as unavailable."""
    datasets = dict.fromkeys(cell.source.dataset.spec for cell in planned.cells)
    more = [Unavailable(d, s.model, "clean", s.reason) for d in datasets for s in skipped]
    return replace(planned, unavailable=(*planned.unavailable, *more))
