"""What is left of a plan: the samples of each cell that no finished part holds."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.engine.plan import Cell
from roadworthy.engine.store import Store
from roadworthy.types import Sample


def remaining(
    store: Store,
    cells: Sequence[Cell],
    *,
    retry_failed: bool,
    among: Sequence[Sample] | None = None,
) -> dict[str, set[str]]:
    """Return the ids of the samples still to judge by request; those that failed too if retried.

    Only those ``among`` the given ones, if any are given. Where what a model makes is kept, it also
    has those left of which that is there no more.
    """
    finished = store.finished((cell.request for cell in cells), retry_failed=retry_failed)
    for cell in cells:
        retry = store.sequence if retry_failed else None
        for making in cell.makings if not cell.made_by else ():
            finished[cell.request] &= store.artifacts.settled(making.key, retry=retry)
    left: dict[str, set[str]] = {}
    last: Sequence[Sample] | None = None
    wanted: frozenset[tuple[str, str]] = frozenset()
    for cell in cells:
        samples = cell.source.samples if among is None else among
        if samples is not last:  # mostly those of the cell before
            last, wanted = samples, frozenset((s.id, s.content) for s in samples)
        left[cell.request] = {name for name, _ in wanted - finished[cell.request]}
    return left
