"""The scores by which models are set side by side: a few for each axis, those that several have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.report.cells import Cell, distinct
from roadworthy.report.columns import median_of
from roadworthy.report.names import WORST_CASE, short_names
from roadworthy.report.parts import part_of
from roadworthy.report.reading import Reading
from roadworthy.spec import SpecError, parse

MOST_ATTACKS = 4
QUOTED = {
    "mce": "mCE %",
    "mfr": "mFR %",
    "mean_error": "mean error %",
    "flip_probability": "flips %",
}


@dataclass(frozen=True)
class Score:
    """One column: what it is called, which way is better, and the reading of each model."""

    heading: str
    higher: bool
    readings: Mapping[str, Reading]
    cells: Sequence[Cell]
    of_data: bool = False
    """Whether it is the accuracy on one data set of several."""

    def reaches_best(self, reading: Reading) -> bool:
        """Whether a reading is the best, or its interval includes the best."""
        values = [r.value for r in self.readings.values() if r.value is not None]
        if reading.value is None or not values:
            return False
        best = max(values) if self.higher else min(values)
        ends = (reading.value, reading.high if self.higher else reading.low)
        return any(e is not None and (e >= best if self.higher else e <= best) for e in ends)


def scores(found: Sequence[Cell]) -> list[Score]:
    """Return the scores that two models or more have, accuracy on clean images first.

    Where there are several data sets that is the accuracy on each, by however many models; all else
    is of the data set that most models were judged on, lest values on different images stand side by side.
    """
    return [one for one in _every(found) if len(one.readings) > (0 if one.of_data else 1)]


def _main_data(found: Sequence[Cell]) -> str:
    """Return the data set that most models were judged on as it is, the first of several such."""
    judged = {c.data: {x.model for x in found if x.data == c.data} for c in _clean(found)}
    return max(judged, key=lambda data: len(judged[data]), default="")


def _clean(found: Sequence[Cell]) -> list[Cell]:
    return [c for c in found if c.axis == "clean" and part_of(c.data) is None]


def _every(found: Sequence[Cell]) -> Iterator[Score]:
    clean, main = _clean(found), _main_data(found)
    names = short_names([cell.data for cell in clean], 28)
    for data in sorted(names, key=lambda data: data != main):
        own = [cell for cell in clean if cell.data == data and "(" not in cell.stress]
        on = f" on {names[data]}" if len(names) > 1 else ""
        yield replace(_of("top1", f"top-1 %{on}", True, own), of_data=bool(on))
    if main:
        clean = [cell for cell in clean if cell.data == main]
        found = [cell for cell in found if cell.axis == "suite" or cell.data == main]
    for spec in distinct(cell.stress for cell in found if cell.axis == "suite"):
        own = [cell for cell in found if cell.stress == spec]
        for metric, heading in QUOTED.items():
            if any(cell.value(metric) is not None for cell in own):
                yield _of(metric, f"{spec} {heading}", False, own)
                break
    yield from _corruptions(found)
    yield from _attacks(found)
    systematic = [c for c in found if c.axis == "systematic" and not c.pooled]
    yield _worst("drop", "worst reading, drop", systematic)
    yield _worst("flip_probability", "most flips %", [c for c in found if c.axis == "sequence"])
    yield _of("ece", "ECE %", False, [cell for cell in clean if "(" not in cell.stress])


def _corruptions(found: Sequence[Cell]) -> Iterator[Score]:
    """Yield the drop under the worst corruption, where no suite says more."""
    if not any(cell.axis == "suite" for cell in found):
        own = [cell for cell in found if cell.axis == "corruption" and not cell.pooled]
        yield _worst("drop", "worst corruption, drop", own)


def _attacks(found: Sequence[Cell]) -> Iterator[Score]:
    """Yield the worst case of each budget, or else each attack; then the smallest changes."""
    own = [cell for cell in found if cell.axis == "adversarial" and not cell.pooled]
    worst = [cell for cell in own if cell.value("worst_case_top1") is not None]
    metric = "worst_case_top1" if worst else "robust_top1"
    labels = distinct(cell.label for cell in own if cell.value(metric) is not None)
    names = short_names([briefly(label) for label in labels], 40)
    for label in labels[:MOST_ATTACKS]:
        named = [cell for cell in own if cell.label == label]
        yield _of(metric, f"robust %, {names[briefly(label)]}", True, named)
    sought = [cell for cell in own if median_of(cell)[0]]
    for label in distinct(cell.label for cell in sought)[:2]:
        named = [cell for cell in sought if cell.label == label]
        norm = median_of(named[0])[0]
        heading = f"median {norm}, {short_names([label], 30)[label]}"
        yield _of(f"median_{norm.lower()}", heading, True, named)


def briefly(label: str) -> str:
    """Return the label of an attack; of a worst case how many attacks, and with what budget."""
    if not label.startswith(WORST_CASE):
        return label
    try:
        members = [str(member) for member in parse(label).args]
    except SpecError:
        return label
    budgets = [found[0] for member in members if (found := re.search(r"eps=[^,()]+", member))]
    with_budget = f" at {budgets[0]}" if budgets else ""
    return f"worst of {len(members)} attacks{with_budget}"


def _of(metric: str, heading: str, higher: bool, own: Iterable[Cell]) -> Score:
    cells = [cell for cell in own if cell.value(metric) is not None]
    readings = {cell.model: cell.readings[metric] for cell in reversed(cells)}
    return Score(heading, higher, readings, cells)


def _worst(metric: str, heading: str, own: Sequence[Cell]) -> Score:
    """Return the largest value of each model over the stresses that all of them were judged under."""
    known = [cell for cell in own if cell.value(metric) is not None]
    models = {cell.model for cell in known}
    by_label: dict[str, set[str]] = {}
    for cell in known:
        by_label.setdefault(cell.label, set()).add(cell.model)
    shared = [cell for cell in known if by_label[cell.label] == models]
    worst: dict[str, Reading] = {}
    for cell in sorted(shared, key=lambda cell: cell.readings[metric].value or 0.0):
        worst[cell.model] = cell.readings[metric]
    return Score(heading, False, worst, shared)
