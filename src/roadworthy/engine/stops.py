"""Where the cells of a run stopped: as kept with the run, in its summary, and as said at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from roadworthy.engine.options import Options
from roadworthy.engine.plan import Cell
from roadworthy.engine.store import Store
from roadworthy.engine.until import half_width, parse_until
from roadworthy.metrics.base import Estimate


@dataclass(frozen=True)
class Outcome:
    """What the last look at a cell saw: ``cell`` has the samples used, ``of`` is how many there are.

    The interval of ``estimate`` is already ``factor`` times as wide as that of a single look;
    ``estimate`` is None where the metric does not apply.
    """

    cell: Cell
    of: int
    estimate: Estimate | None
    factor: float
    precise: bool

    @property
    def samples(self) -> int:
        """How many samples were used."""
        return len(self.cell.source.samples)


def noted(
    outcomes: Sequence[Outcome], about: Mapping[str, Any], options: Options, store: Store
) -> dict[str, Any]:
    """Return what an invocation says of where it stopped; the samples of its cells are those used."""
    if options.until is None or not outcomes:
        return {}
    by_request = {outcome.cell.request: outcome for outcome in outcomes}
    cells = []
    for cell in about["cells"]:
        manifest = store.write_manifest(by_request[cell["request"]].cell.source.samples)
        cells.append({**cell, "manifest": manifest})
    until = parse_until(options.until)
    return {
        "cells": cells,
        "until": {**asdict(until), "cells": [_noted(outcome) for outcome in outcomes]},
    }


def _noted(outcome: Outcome) -> dict[str, Any]:
    cell, estimate = outcome.cell, outcome.estimate
    return {
        "data": data_of(cell),
        "model": cell.judge.spec,
        "stress": cell.stress.spec,
        "request": cell.request,
        "samples": outcome.samples,
        "of": outcome.of,
        "value": estimate and estimate.value,
        "low": estimate and estimate.low,
        "high": estimate and estimate.high,
        "half_width": half_width(estimate),
        "widened": outcome.factor,
        "precise": outcome.precise,
        "applies": estimate is not None,
    }


def data_of(cell: Cell) -> str:
    """Return the spec of the data of a cell."""
    return cell.source.dataset.spec


def widenings(runs: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Return how much wider an interval is for its looks, by (request, metric); newest run last."""
    found: dict[tuple[str, str], float] = {}
    for run in runs:
        asked = {cell["request"] for cell in run["cells"]}
        found = {key: factor for key, factor in found.items() if key[0] not in asked}
        until = run.get("until") or {}
        for cell in until.get("cells", ()):
            found[cell["request"], until["metric"]] = float(cell["widened"])
    return found


def sentences(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each cell of an invocation that stopped early, or that never got so precise."""
    until = run.get("until") or {}
    cells = until.get("cells", ())
    several = len({(cell["model"], cell["data"]) for cell in cells}) > 1
    for cell in cells:
        name = f"{cell['stress']} ({cell['model']}, {cell['data']})" if several else cell["stress"]
        used, of, half = cell["samples"], cell["of"], cell["half_width"]
        if cell["precise"] and used < of:
            yield (
                f"{name}: stopped at {used} of {of} samples, ±{half:.2f}; {of - used} not needed"
            )
        elif not cell["applies"]:
            yield f"{name}: has no {until['metric']}; {used} of {of} samples judged"
        elif not cell["precise"]:
            width = "without an interval" if half is None else f"±{half:.2f}"
            yield f"{name}: {width} after all {of} samples, not ±{until['half_width']:g}"
