"""Which variants of a stress can be made with a model and its pipeline, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from roadworthy.engine.targets import RANKED
from roadworthy.errors import InapplicableError
from roadworthy.pipeline.base import Pipeline, validate
from roadworthy.spec import parse
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.changes import check_applies, modifies, read_by
from roadworthy.types import Classifier, Tap, says_scores


def readable(
    one: Stress, pipeline: Pipeline, model: Classifier, size: Callable[[], tuple[int, int]]
) -> tuple[Stress, dict[str, str]]:
    """Return a stress with the variants that can be made here, and why not by the spec of others.

    One without any such variant is returned with none. A variant cannot be made where its decoder or
    resizer needs a package that is missing, where it changes what ``pipeline`` does not do, where
    it would change nothing of the ``model``, whose frames are of ``size``, or where its target is a
    rank and the model ranks nothing. Raises UsageError for unknown names and impossible numbers.
    """
    reads = one.definition.tap is Tap.PIPELINE or modifies(one)
    kept: list[Setting] = []
    absent: dict[str, str] = {}
    for setting in one.settings:
        try:
            _check_target(setting, model)
            if reads:
                validate(read_by(one, setting, pipeline))
            if modifies(one):
                check_applies(one, setting, model, size())
            kept.append(setting)
        except InapplicableError as error:
            absent[_alone(one, setting)] = str(error)
    return (replace(one, settings=tuple(kept)) if absent else one), absent


def _check_target(setting: Setting, model: Classifier) -> None:
    target = setting.arguments.get("target")
    if target in RANKED and not says_scores(model):
        raise InapplicableError(
            f"target={target} needs probabilities, which the model does not give"
        )


def _alone(one: Stress, setting: Setting) -> str:
    """Return the spec of one variant of a sweep."""
    spec = parse(one.spec)
    params = tuple((name, setting.arguments.get(name, value)) for name, value in spec.params)
    return str(replace(spec, params=params))
