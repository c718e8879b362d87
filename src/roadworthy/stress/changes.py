"""What a stress changes besides pictures: how files are read, and who judges them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.bound import Setting, Stress
from roadworthy.types import Classifier, Tap


def read_by(one: Stress, setting: Setting, pipeline: Pipeline) -> Pipeline:
    """Return the pipeline that reads the images for ``setting`` where ``pipeline`` did."""
    if one.definition.tap is not Tap.PIPELINE:
        return pipeline
    changed: Pipeline = one.definition.function(pipeline, **setting.arguments)
    return changed


def judged_by(one: Stress, setting: Setting, model: Classifier) -> Classifier:
    """Return who judges for ``setting`` where ``model`` did: changed by the stress, or by its members."""
    for definition, arguments in _modifiers(one, setting):
        model = definition.function(model, **arguments)
    return model


def check_applies(one: Stress, setting: Setting, model: Classifier, size: tuple[int, int]) -> None:
    """Raise InapplicableError where a change of who judges cannot be made of ``model``."""
    for definition, arguments in _modifiers(one, setting):
        if definition.applies is not None:
            definition.applies(model, size, arguments)


def modifies(one: Stress) -> bool:
    """Whether a stress changes who judges."""
    return bool(_modifiers(one, one.settings[0]))


def _modifiers(one: Stress, setting: Setting) -> list[tuple[StressDefinition, Mapping[str, Any]]]:
    if one.definition.tap is Tap.MODEL:
        return [(one.definition, setting.arguments)]
    if one.definition.tap is not Tap.PIPELINE:
        return []
    return [
        (member.definition, member.settings[0].arguments)
        for member in one.members
        if member.definition.tap is Tap.MODEL
    ]
