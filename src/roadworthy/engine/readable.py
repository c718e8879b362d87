"""Which variants of a stress on the reading of files can be made here, and why others cannot."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.errors import InapplicableError
from roadworthy.pipeline.base import Pipeline, validate
from roadworthy.spec import parse
from roadworthy.stress.bound import Setting, Stress
from roadworthy.stress.changes import read_by
from roadworthy.types import Tap


def readable(one: Stress, pipeline: Pipeline) -> tuple[Stress, dict[str, str]]:
    """Return a stress with the variants that can be read here, and why not by the spec of others.

    One without any such variant is returned with none. A variant cannot be read where its decoder or
    resizer needs a package that is missing, or where it changes what ``pipeline`` does not do.
    Raises UsageError for unknown names and impossible numbers.
    """
    if one.definition.tap is not Tap.PIPELINE:
        return one, {}
    kept: list[Setting] = []
    absent: dict[str, str] = {}
    for setting in one.settings:
        try:
            validate(read_by(one, setting, pipeline))
            kept.append(setting)
        except InapplicableError as error:
            absent[_alone(one, setting)] = str(error)
    return (replace(one, settings=tuple(kept)) if absent else one), absent


def _alone(one: Stress, setting: Setting) -> str:
    """Return the spec of one variant of a sweep."""
    spec = parse(one.spec)
    params = tuple((name, setting.arguments.get(name, value)) for name, value in spec.params)
    return str(replace(spec, params=params))
