"""From the text that names a pipeline, or a live one, to what can be examined."""

from __future__ import annotations

from typing import Any

from roadworthy.binding import bind
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.pipeline.base import Pipeline, validate
from roadworthy.preflight.base import PROVIDERS, Provider, Subject
from roadworthy.spec import Spec, parse

_EXAMPLES = {
    "dump": "dump:FOLDER",
    "huggingface": "huggingface:FOLDER",
    "pipeline": "pipeline(size=224, resize=opencv-linear)",
    "python": "python:FILE.py:FUNCTION",
    "timm": "timm/resnet50",
    "torchvision": "torchvision/resnet50",
}


def load_pipeline(given: str | Spec | Pipeline | Subject | Any) -> Subject:
    """Return the pipeline that a spec names, or a live one, as a `Subject`.

    Only code that the spec itself names is run. Raises UsageError for an unknown name, parameter or
    value, and RoadworthyError where it cannot be made, each with what to do.
    """
    if isinstance(given, Pipeline):
        from roadworthy.preflight.providers.pipeline import subject_of_recipe

        return subject_of_recipe(validate(given))
    if not isinstance(given, str | Spec):
        from roadworthy.preflight.calling import subject_of

        return subject_of(given)
    spec = parse(given) if isinstance(given, str) else given
    head, _, rest = spec.name.partition("/")
    if head not in PROVIDERS:
        known = ", ".join(_EXAMPLES.get(name, name) for name in PROVIDERS)
        raise UsageError(
            f"no pipeline is called '{spec}'{did_you_mean(head, PROVIDERS)} (expected one of {known})"
        )
    definition = PROVIDERS.get(head)
    values = bind(spec, definition.parameters, kind="pipeline")
    try:
        found: Subject = definition.function(*_first(definition, spec, rest), **values)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "timm", "torchvision"):
            raise
        raise UsageError(
            f"pipeline '{spec}' needs {error.name}: pip install 'roadworthy[torch]'"
        ) from None
    return found


def _first(definition: Provider, spec: Spec, rest: str) -> tuple[str, ...]:
    """Return the part of the text that a provider takes as its first argument."""
    found = {"name": rest, "path": spec.path or ""}.get(definition.takes or "", "")
    surplus = (rest and definition.takes != "name") or (spec.path and definition.takes != "path")
    if surplus or (definition.takes and not found):
        expected = _EXAMPLES.get(definition.name, definition.name)
        raise UsageError(f"pipeline '{spec}': expected {expected}")
    return (found,) if definition.takes else ()
