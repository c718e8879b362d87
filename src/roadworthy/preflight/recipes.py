"""Pipelines of our own need no finding out: their text says what they do."""

from __future__ import annotations

from dataclasses import replace
from math import floor

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.preflight.base import Subject
from roadworthy.preflight.component import Component
from roadworthy.preflight.fitting import rule_of
from roadworthy.preflight.identity import Identity, ordered
from roadworthy.preflight.shapes import SHORTER
from roadworthy.preflight.statistics import words_of

SAID = "as its text says"


def identity_of_recipe(subject: Subject, recipe: Pipeline) -> Identity:
    """Return the parts of a pipeline of ours; what is left to the model has no part."""
    resized = recipe.size is not None
    names = {
        "colour": recipe.colour,
        "size": "none" if recipe.size is None else "x".join(map(str, recipe.size)),
        "geometry": rule_of(_plain(recipe)) if resized else "none",
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
        name, sentence = words_of(subject.mean, subject.std)
        found.append(Component("normalisation", name, sentence))
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


def _plain(recipe: Pipeline) -> Pipeline:
    """Return the same geometry in the words in which one is found: a length where there is one."""
    assert recipe.size is not None
    if recipe.geometry in SHORTER and recipe.resize_to is None and len(set(recipe.size)) == 1:
        return replace(recipe, resize_to=floor(recipe.size[0] / recipe.crop))
    if not GEOMETRIES.get(recipe.geometry).crops:
        return replace(recipe, crop=1.0)
    return recipe
