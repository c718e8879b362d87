"""The questions of a preflight, in the order in which they are reported."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.models.check.accuracy import accuracy
from roadworthy.models.check.classes import classes
from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.gradient import gradient
from roadworthy.models.check.images import images, pipeline
from roadworthy.models.check.normalisation import normalisation
from roadworthy.models.check.outputs import outputs
from roadworthy.models.check.report import Finding
from roadworthy.models.check.speed import speed
from roadworthy.models.check.steady import batch, repeat
from roadworthy.models.check.weights import weights

QUESTIONS: tuple[Callable[[Evidence], Finding], ...] = (
    images,
    pipeline,
    classes,
    weights,
    outputs,
    normalisation,
    repeat,
    batch,
    gradient,
    accuracy,
    speed,
)
