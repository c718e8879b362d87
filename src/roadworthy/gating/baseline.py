"""Differences to a baseline, for requirements that end in ``vs baseline``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from roadworthy.comparing.api import Only, compare
from roadworthy.comparing.matching import named
from roadworthy.comparing.result import Difference
from roadworthy.errors import UsageError
from roadworthy.gating.pick import Chosen, Line
from roadworthy.gating.requirement import Requirement
from roadworthy.gating.rows import check_metric, chosen
from roadworthy.gating.unpaired import unpaired
from roadworthy.metrics.base import FRACTIONS, Estimate
from roadworthy.report.cells import distinct
from roadworthy.report.names import model_names
from roadworthy.run import Run


def against(
    requirement: Requirement, run: Run, known: Sequence[Line], baseline: str | Path | Run
) -> tuple[Chosen, list[str]]:
    """Return differences, run minus baseline, as the rows that a requirement is about, and notes.

    They are paired image by image. A baseline that is a summary alone, as it is kept in version
    control, has no records to pair: its intervals are those of independent runs, which are wider,
    and it must be of the same samples. Raises UsageError where the two cannot be compared.
    """
    check_metric(requirement, known)
    if not isinstance(baseline, Run) and not (Path(baseline) / "runs").is_dir():
        alone, notes = unpaired(requirement, known, run, Path(baseline))
        return _whole(requirement, known, alone), notes
    model = requirement.model
    if model is not None:
        model = named(model, list(dict.fromkeys(line.model for line in known)), "model")
    earlier = baseline if isinstance(baseline, Run) else Run(baseline)
    _check_models(run, model, earlier)
    found = compare(
        earlier, run, model_b=model, only=Only(metrics={requirement.metric}, flips=False)
    )
    lines = [_line(one) for one in found.differences]
    asked = chosen(requirement, [*lines, *_without_metric(known, lines)])
    if not asked.lines:
        return Chosen([], f"{asked.missing} in both runs"), list(_notes(found.notes))
    return _whole(requirement, known, asked), list(_notes(found.notes))


def _whole(requirement: Requirement, known: Sequence[Line], found: Chosen) -> Chosen:
    """Add what of the run is meant and has nothing in the baseline, as rows without a value."""
    if not found.lines:
        return found
    there = {(line.model, line.data) for line in found.lines}
    alone = [one for one in chosen(requirement, known).lines if (one.model, one.data) not in there]
    nothing = Estimate(None, None, None, 0, "the baseline has nothing of it to compare with")
    return Chosen([*found.lines, *(replace(line, estimate=nothing) for line in alone)])


def _check_models(run: Run, model: str | None, baseline: Run) -> None:
    """Raise UsageError where neither names nor being the only ones say which models to compare."""
    here = [model] if model is not None else distinct(cell.judge for cell in run.cells)
    there = distinct(cell.judge for cell in baseline.cells)
    if there and not set(here) & set(there) and len(here) + len(there) > 2:
        listed = [
            ", ".join(f"'{name}'" for name in model_names(m, 60).values()) for m in (here, there)
        ]
        raise UsageError(
            f"the baseline '{baseline.folder}' has none of the models of the run: the run has "
            f"{listed[0]}, the baseline {listed[1]}; give a baseline of the same models, or of one "
            f"model alone together with model=… in the requirement"
        )


def _line(one: Difference) -> Line:
    place = one.place
    unit = "points" if one.unit in FRACTIONS else one.unit
    names = (place.models[1], place.data[1], place.source or "", place.stress, place.variant)
    return Line(one.change, 0, *names, one.metric, unit)


def _without_metric(known: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """Return what else the run has, under no metric, so that names are found and typos told."""
    there = {(line.model, line.data, line.stress, line.variant) for line in lines}
    rest = [replace(line, metric="") for line in known]
    return [r for r in rest if (r.model, r.data, r.stress, r.variant) not in there]


def _notes(notes: Sequence[str]) -> list[str]:
    """Name the runs of a comparison as a gate does."""
    names = {"A: ": "baseline: ", "B: ": "run: "}
    renamed = [names.get(note[:3], note[:3]) + note[3:] for note in notes]
    return [note for note in renamed if not note.startswith(("only in", "run: "))]
