"""From probes to names: find out what a pipeline does, without a model and without data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from roadworthy.pipeline.base import Pipeline
from roadworthy.preflight.base import Subject
from roadworthy.preflight.component import Component, unknown
from roadworthy.preflight.decoders import decoder
from roadworthy.preflight.files import STAGES, files, stages
from roadworthy.preflight.fitting import FRAME, OWN, fitted
from roadworthy.preflight.identity import PARTS, Identity, ordered
from roadworthy.preflight.layout import layout_of
from roadworthy.preflight.observe import Answers, observe
from roadworthy.preflight.probes.base import COLOURS as FLAT
from roadworthy.preflight.reading import Reading, flat_numbers
from roadworthy.preflight.recipes import identity_of_recipe
from roadworthy.preflight.scale import scale_of
from roadworthy.preflight.statistics import named, words_for
from roadworthy.preflight.turns import orient, profile
from roadworthy.preflight.twins import Twins


def identity_of(subject: Subject) -> Identity:
    """Return what ``subject`` does, part by part; a part that no known way explains is unknown.

    A name is given only where our own rendering of the probes agrees with the answers, within the
    rounding of its family. Nothing that the pipeline returns or raises is an error here.
    """
    if subject.recipe is not None:
        return identity_of_recipe(subject, subject.recipe)
    began = time.perf_counter()
    answers = observe(subject)
    changed = answers.changed()
    reading, found, recipe = _examined(answers, changed)
    if not changed:  # once more: some change only later on, while twins are asked about
        changed = answers.changed()
        if changed:
            reading, found, recipe = _examined(answers, changed)
    mean, std = named(reading.scale) if reading else (None, None)
    return Identity(
        spec=subject.spec,
        takes=subject.takes,
        components=ordered(found),
        pipeline=_with_stages(recipe, found),
        mean=mean,
        std=std,
        faults=faults_of(answers, changed),
        notes=subject.notes,
        library=subject.library,
        layout=reading.layout if reading else None,
        seconds=time.perf_counter() - began,
    )


def _examined(
    answers: Answers, changed: Sequence[str]
) -> tuple[Reading | None, list[Component], Pipeline]:
    """Return how answers are read, all parts, and a pipeline of ours with those that are known."""
    if not answers.arrays:
        return None, [unknown(part, "no probe is answered") for part in PARTS], OWN
    reading, found = _read(answers)
    said = f"answers change from call to call ({', '.join(changed)})"
    if any(name.startswith("flat_") for name in changed):
        reading, found = None, [found[0], *(unknown(c.part, said) for c in found[1:])]
    recipe = OWN
    if reading is not None and changed:
        found += [unknown(part, said) for part in FRAME]
    elif reading is not None:
        more, recipe = fitted(reading)
        found += more
    if changed:  # twins tell nothing either
        named = {c.part for c in found}
        return (
            reading,
            [*found, *(unknown(part, said) for part in PARTS if part not in named)],
            recipe,
        )
    twins = Twins(answers, reading.scale if reading else None)
    found += [part(twins) for part in (decoder, orient, profile, files)]
    return reading, [*found, *stages(twins)], recipe


def _read(answers: Answers) -> tuple[Reading | None, list[Component]]:
    """Find the form of the answers and the map to pixels; without both there is no reading."""
    layout = layout_of(answers)
    if isinstance(layout, str):
        said = "the answers are no pictures"
        missing = [unknown(part, said) for part in ("normalisation", "colour", *FRAME)]
        return None, [unknown("layout", layout), *missing]
    found = [Component("layout", str(layout), f"{len(answers.arrays)} answers")]
    flats = flat_numbers(answers, layout)
    scale = flats if isinstance(flats, str) else scale_of(*flats, dtype=layout.dtype)
    if isinstance(scale, str):
        said = "cannot be told before the normalisation, which is unknown"
        missing = [unknown(part, said) for part in ("colour", *FRAME)]
        return None, [*found, unknown("normalisation", scale), *missing]
    name, sentence = words_for(scale)
    found += [
        Component("normalisation", name, sentence),
        Component("colour", scale.colour, f"{len(FLAT)} flat colours"),
    ]
    return Reading(answers, layout, scale), found


def _with_stages(recipe: Pipeline, found: Sequence[Component]) -> Pipeline:
    """Return ``recipe`` with the named stages that are not those of the frame."""
    plain = {"decoder", "orient", "profile", "colour"}
    named: dict[str, Any] = {c.part: c.name for c in found if c.known and c.part in plain}
    special = [c for c in found if c.part in STAGES and c.name in STAGES[c.part][0]]
    return replace(recipe, **(named | {c.part: c.name for c in special}))


def faults_of(answers: Answers, changed: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what no pipeline should do, as names and sentences."""
    found = []
    total = len(answers.failures) + len(answers.arrays)
    if answers.failures:
        name, why = next(iter(answers.failures.items()))
        listed = ", ".join(answers.failures) if len(answers.failures) < 5 else ""
        which = f" ({listed})" if listed else ""
        kind = "failures" if answers.subject.repeats else "dump"
        found.append(
            (kind, f"{len(answers.failures)} of {total} probes fail{which}; {name}: {why}")
        )
    broken = [n for n, a in answers.arrays.items() if not np.isfinite(a).all()]
    if broken:
        found.append(
            ("range", f"NaN or infinite values in {len(broken)} answers, first {broken[0]}")
        )
    if changed:
        found.append(("repeat", f"answers change from call to call ({', '.join(changed)})"))
    return tuple(found)
