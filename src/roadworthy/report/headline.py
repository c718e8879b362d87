"""The verdict of a run in one sentence of plain words."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.report.cells import Cell
from roadworthy.report.columns import NOTHING, median_of
from roadworthy.report.names import AXES, short_names
from roadworthy.report.parts import is_whole, part_of
from roadworthy.report.reading import Reading

_MOST_MODELS = 4
_QUOTED = {
    "mce": "mCE",
    "mfr": "mFR",
    "mean_error": "mean error",
    "flip_probability": "flip probability",
}


def headline(found: Sequence[Cell]) -> list[str]:
    """Return a sentence per model, at most four: clean top-1, and the worst stress of each axis."""
    models = list(dict.fromkeys(cell.model for cell in found))
    if not models:
        return ["Nothing was measured: the run has no results yet, or its summary is damaged."]
    names = short_names(models, 48)
    sentences = [
        _sentence(names[model], [cell for cell in found if cell.model == model])
        for model in models[:_MOST_MODELS]
    ]
    if len(models) > _MOST_MODELS:
        sentences.append(f"{len(models) - _MOST_MODELS} more models are in the table.")
    return sentences


def _sentence(name: str, own: Sequence[Cell]) -> str:
    # a stored benchmark is spoken of as a whole, not by its parts
    own = [cell for cell in own if part_of(cell.data) is None] or own
    datasets = list(dict.fromkeys(cell.data for cell in own))
    here = [cell for cell in own if cell.data == datasets[0]]
    on = f" on {short_names(datasets, 40)[datasets[0]]}" if len(datasets) > 1 else ""
    quoted = [cell for cell in own if cell.data == datasets[0] or is_whole(cell.data)]
    clean = next((c for c in here if c.axis == "clean" and c.value("top1") is not None), None)
    if clean is None:
        start = f"{name}{on} was not judged on clean images, so nothing says how good it was before"
    else:
        start = (
            f"{name} gets {_percent(clean.readings['top1'])} of {clean.n} images{on} right "
            f"as they are"
        )
    rest = [text for text in (_costs(here), _change(here), *_suites(quoted)) if text]
    return f"{start}, and {'; '.join(rest)}." if rest else f"{start}."


def _suites(own: Sequence[Cell]) -> list[str]:
    """Return the one number by which each suite is quoted."""
    texts = []
    for cell in own:
        metric = next((m for m in _QUOTED if cell.value(m) is not None), None)
        if cell.axis == "suite" and metric is not None:
            reading = _percent(cell.readings[metric])
            texts.append(f"its {_QUOTED[metric]} over {cell.stress} is {reading}")
    return texts


def _change(own: Sequence[Cell]) -> str:
    """Return the smallest change that fools it, by the best of the attacks that look for it."""
    found = [(median_of(cell), cell) for cell in own]
    known = [(one, cell) for one, cell in found if one[0] and one[1].value is not None]
    if not known:
        return ""
    (norm, reading), cell = min(
        (one for one in known if one[0][0] == known[0][0][0]),
        key=lambda one: one[0][1].value or 0.0,
    )
    name = short_names([cell.label], 48)[cell.label]
    return f"half of those fall to a change of {norm} {reading.full} ({name})"


def _costs(own: Sequence[Cell]) -> str:
    """Return the worst stress of each axis, at most four, the worst axis first."""
    worst: dict[str, tuple[float, Cell]] = {}
    for cell in own:
        top = _accuracy(cell).value
        if cell.axis == "clean" or cell.pooled or top is None:
            continue
        if cell.axis not in worst or top < worst[cell.axis][0]:
            worst[cell.axis] = (top, cell)
    ranked = sorted(worst.items(), key=lambda item: (item[1][0], list(AXES).index(item[0])))[:4]
    parts = []
    for _, (_, cell) in ranked:
        parts.append(
            f"{_percent(_accuracy(cell))} under {short_names([cell.label], 48)[cell.label]}"
        )
    lead = "at worst " if len(parts) == 1 else "at the worst of each kind of stress "
    return lead + _listed(parts) if parts else ""


def _accuracy(cell: Cell) -> Reading:
    """Return the accuracy that is quoted; none of attacks without a budget, which leave nothing."""
    robust = next((n for n in ("robust_top1", "worst_case_top1") if n in cell.readings), None)
    if robust is None and "success_rate" in cell.readings:
        return NOTHING
    return cell.readings.get(robust or "top1", NOTHING)


def _percent(reading: Reading) -> str:
    return f"{reading.text} % {reading.interval}".strip()


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
