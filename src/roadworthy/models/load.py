"""From the text that names a model to a classifier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roadworthy.binding import bind, canonical
from roadworthy.errors import UsageError
from roadworthy.models.base import MODELS, ModelDefinition, Network
from roadworthy.models.lists.expand import SIGN
from roadworthy.models.options import parameters, split, with_facts, with_options
from roadworthy.spec import Spec, parse

if TYPE_CHECKING:
    from roadworthy.types import Classifier

MEMBERS = ("id", "pipeline", "classes", "gives", "logits")
"""What makes an object a `Classifier`."""


def load(model: str | Spec | Classifier, *, device: str = "cpu") -> Classifier:
    """Return the classifier that a spec names, on ``device``; a classifier is returned as it is.

    Only code that the spec itself names is run, and no checkpoint is ever unpickled. Raises
    UsageError for an unknown name, parameter or value, and RoadworthyError where the model cannot
    be made, each naming what was given and what to do.
    """
    if all(hasattr(model, name) for name in MEMBERS):
        return model  # type: ignore[return-value]
    if not isinstance(model, str | Spec):
        raise UsageError(
            f"a model is named by a spec such as 'timm/resnet50', not by {type(model).__name__}; "
            "a torch module becomes one by roadworthy.wrap(module, mean=…, std=…, size=…)"
        )
    if isinstance(model, str) and model.startswith(SIGN):
        raise UsageError(
            f"'{model}' is a list of models, which only `roadworthy run` takes; "
            f"`roadworthy show {model.partition('(')[0]}` names its members"
        )
    spec = parse(model) if isinstance(model, str) else model
    try:
        return _placed(_made(spec), device)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "timm", "torchvision"):
            raise
        raise UsageError(
            f"model '{spec}' needs {error.name}: pip install 'roadworthy[torch]'"
        ) from None


def _made(spec: Spec) -> Classifier:
    head, _, rest = spec.name.partition("/")
    definition = MODELS.get(head)
    declared, kind = parameters(definition), "model"
    own, options = split(bind(spec, declared, kind=kind, extra=definition.extra))
    text = canonical(spec, declared, kind=kind, extra=definition.extra)
    made = definition.function(*_first(definition, spec, rest), **own)
    if isinstance(made, Network):
        from roadworthy.models.build import build

        made = build(made, spec=str(text), options=options)
    else:
        members = tuple(parse(member.spec) for member in made.members)
        made = replace(
            made,
            spec=str(replace(text, args=members)),
            pipeline=with_options(made.pipeline, options),
            metadata=with_facts(made.metadata, options),
        )
    return made  # type: ignore[no-any-return]


def _first(definition: ModelDefinition, spec: Spec, rest: str) -> tuple[str, ...]:
    """Return the part of the text that a provider takes as its first argument."""
    example = {"name": f"{definition.name}/NAME", "path": f"{definition.name}:FILE.py:FACTORY"}
    wanted = example.get(definition.takes or "", f"{definition.name}(…)")
    found = {"name": rest, "path": spec.path or ""}.get(definition.takes or "", "")
    surplus = (rest and definition.takes != "name") or (spec.path and definition.takes != "path")
    if surplus or (definition.takes and not found):
        raise UsageError(f"model '{spec}': expected {wanted}")
    return (found,) if definition.takes else ()


def _placed(model: Classifier, device: str) -> Classifier:
    if device == "cpu":
        return model
    import torch

    from roadworthy.models.networks import changed

    try:
        torch.zeros(1, device=device)
    except Exception as error:  # torch names a missing device in many ways
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"there is no device '{device}' here: {reason}") from None
    return changed(model, lambda m: replace(m, module=m.module.to(device)), f"device {device}")
