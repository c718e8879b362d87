"""Pipelines of our own need no finding out: their text says what they do."""

from __future__ import annotations

from roadworthy.pipeline.base import Pipeline
from roadworthy.preflight.base import Subject
from roadworthy.preflight.component import Component
from roadworthy.preflight.fitting import rule_of
from roadworthy.preflight.identity import Identity, ordered
from roadworthy.preflight.statistics import words_of

SAID = "as its text says"


def identity_of_recipe(subject: Subject, recipe: Pipeline) -> Identity:
    """Return the parts of a pipeline of ours; what is left to the model has no part."""
    resized = recipe.size is not None
    names = {
        "colour": recipe.colour,
        "size": "none" if recipe.size is None else "x".join(map(str, recipe.size)),
        "geometry": rule_of(recipe) if resized else "none",
        "resize": recipe.resize if resized else "none",
        "decoder": recipe.decoder,
        "orient": recipe.orient,
        "profile": recipe.profile,
        "cmyk": recipe.cmyk,
        "depth": recipe.depth,
        "alpha": recipe.alpha,
    }
    found = [Component(part, name, SAID) for part, name in names.items()]
    if subject.mean is not None and subject.std is not None:
        name, _ = words_of(subject.mean, subject.std)
        found.append(Component("normalisation", name, SAID))
    return Identity(
        spec=subject.spec,
        takes=subject.takes,
        components=ordered(found),
        pipeline=recipe,
        mean=subject.mean,
        std=subject.std,
        notes=subject.notes,
        library=subject.library,
    )
