"""How each of two artefacts reads files and normalises, and what is taken over where one does not say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadworthy.engine.forward import finite, forward, to_input
from roadworthy.errors import InapplicableError, RoadworthyError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.networks import networks
from roadworthy.models.options import OPTIONS
from roadworthy.pipeline.base import framed, resized
from roadworthy.preflight.tensors import Numbers
from roadworthy.spec import Spec, parse
from roadworthy.types import Classifier

DRAWN = 16
"""Pictures of the package's own by which it is told what a network takes."""

FACTS = {"family", "training", "pretraining"}
READING = {p.name for p in OPTIONS} - FACTS
"""Options of a model that say how files are read."""


@dataclass(frozen=True)
class Artefact:
    """A model, what it is called, how its network normalises, and what was taken for granted.

    ``numbers`` is None where its parts normalise in several ways, or it is no torch network.
    """

    model: Classifier
    name: str
    numbers: Numbers | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two artefacts; ``alike`` is whether the second's normalisation comes to the same as the first's.

    It does where both have the same numbers, and where one has them inside its network. ``fed`` is
    the second as it answers to frames that are normalised as the first's are.
    """

    first: Artefact
    second: Artefact
    alike: bool
    fed: Classifier


def artefact(model: Classifier) -> Artefact:
    """Return a model as an artefact."""
    notes = tuple(getattr(model, "notes", ()))
    return Artefact(model, str(getattr(model, "spec", model.id)), numbers_in(model), notes)


def numbers_in(model: Classifier) -> Numbers | None:
    """Return how all torch networks in a model normalise; None where they differ or there are none."""
    try:
        found = {Numbers(n.mean, n.std) for n in networks(model)}
    except InapplicableError:
        return None
    return found.pop() if len(found) == 1 else None


def paired(first: Artefact, second: Artefact, *, text: object, device: str) -> Pair:
    """Return both with all that the second, named by ``text``, leaves to the first taken over.

    An exported program knows neither how its frames are made nor, where they are normalised
    outside, by which numbers. What its spec leaves out is as for the first; whether it takes pixels
    or numbers is found out on pictures drawn by the package.
    """
    said = _said(text)
    second = _framed(first, _reading(first, second, said))
    mine, theirs = first.numbers, second.numbers
    if mine is None or theirs is None or mine == theirs:
        return Pair(first, second, alike=True, fed=second.model)
    fed = _normalised_by(second.model, mine)
    if fed is None:
        return Pair(first, second, alike=True, fed=second.model)
    own = _nearer(first.model, second.model, fed, device)
    if own:
        note = f"{second.name} normalises by itself, to the same effect as {first.name}"
        return Pair(first, _noting(second, note), alike=True, fed=second.model)
    if not said & {"mean", "std"} and getattr(second.model, "sealed", False):
        note = (
            f"{second.name} does not say how its input is normalised, and answers as {first.name} does "
            f"to the same numbers: it is given mean={mine.mean}, std={mine.std}"
        )
        taken = _noting(replace(second, model=fed, numbers=mine), note)
        return Pair(first, taken, alike=True, fed=fed)
    return Pair(first, second, alike=False, fed=fed)


def _said(text: object) -> set[str]:
    """Return the options that the text of a model gives; a live one has said everything."""
    if not isinstance(text, str | Spec):
        return {*READING, "mean", "std"}
    return {name for name, _ in (parse(text) if isinstance(text, str) else text).params}


def _reading(first: Artefact, second: Artefact, said: set[str]) -> Artefact:
    """Read files for the second as for the first, where it has no card and its text does not say."""
    model, wanted = second.model, first.model.pipeline
    size = model.pipeline.size
    untold = isinstance(model, TorchClassifier) and (model.sealed or size is None)
    fits = size is None or size == wanted.size
    if not untold or said & READING or not fits or model.pipeline == wanted:
        return second
    note = f"{second.name} does not say how files are read: as for {first.name}"
    return _noting(replace(second, model=replace(model, pipeline=wanted)), note)  # type: ignore[type-var]


def _framed(first: Artefact, second: Artefact) -> Artefact:
    """Note that the two take frames of two sizes, so that the same tensor is not the same inside."""
    sizes = [each.model.pipeline.size for each in (first, second)]
    if None in sizes or sizes[0] == sizes[1]:
        return second
    mine, theirs = ("x".join(map(str, size)) for size in sizes if size)
    note = (
        f"{second.name} takes frames of {theirs}: the same tensor, {mine}, is resized for it, and what "
        "that does counts as the network's"
    )
    return _noting(second, note)


def _noting(given: Artefact, note: str) -> Artefact:
    return replace(given, notes=(*given.notes, note))


def _normalised_by(model: Classifier, numbers: Numbers) -> Classifier | None:
    """Return ``model`` with other numbers in front of its network; None where they are further inside."""
    if not isinstance(model, TorchClassifier):
        return None
    return replace(model, mean=numbers.mean, std=numbers.std)


def _nearer(first: Classifier, own: Classifier, fed: Classifier, device: str) -> bool:
    """Whether the second is nearer to the first as it is than with the first's normalisation."""
    x = drawn_input(first, device)
    wanted = forward(first, x, name=first.id)
    return _off(own, x, wanted) <= _off(fed, x, wanted)


def _off(model: Classifier, x: Any, wanted: np.ndarray[Any, Any]) -> float:
    """Return how far the answers of ``model`` are from those wanted: the mean |difference| of logits.

    What is common to all logits of an image is left out; infinite where there are no such answers.
    """
    try:
        found = forward(model, x, name=model.id)
    except RoadworthyError:  # it does not run on these; the comparison itself will say why
        return math.inf
    if found.shape != wanted.shape or not (finite(found).all() and finite(wanted).all()):
        return math.inf
    a, b = (v - v.mean(axis=1, keepdims=True) for v in (found.astype(np.float64), wanted))
    return float(np.abs(a - b).mean())


def drawn_input(model: Classifier, device: str) -> Any:
    """Return pictures drawn by the package in the frame of a model, (16, 3, H, W) in [0, 1]."""
    from roadworthy.models.quantise.pictures import leaves

    pipeline = model.pipeline
    frames = [framed(resized(picture, pipeline), pipeline) for picture in leaves(DRAWN)]
    return to_input(np.stack(frames), device)
