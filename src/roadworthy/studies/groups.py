"""What is known of a model beyond its spec: its architecture, family, and how it was trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.models.base import MODELS
from roadworthy.models.lists import member_of
from roadworthy.spec import Spec, SpecError, format_value, parse

AT = "at"
MORE_DATA = "21k"
NORMAL = "normal"
ORDER = (NORMAL, MORE_DATA, "ssl", AT)
HEADINGS = {
    NORMAL: "normally trained",
    MORE_DATA: "pre-trained on more data",
    "ssl": "self-supervised",
    AT: "adversarially trained",
}
_ADVERSARIAL = frozenset(
    {"at", "adversarial", "adversarially", "robust", "trades", "sota", "madry"}
)
_DENIED = re.compile(r"\b(?:non|not|un)[\s_-]*adversarial(?:ly)?\b")
_LARGER = ("21k", "22k", "12k", "jft", "laion", "lvd", "yfcc", "ig1b")


@dataclass(frozen=True)
class About:
    """One model: what it is called, its architecture, family and group."""

    model: str
    architecture: str
    family: str
    group: str


def about(model: str, facts: Mapping[str, Any] | None = None) -> About:
    """Return what is known of a model from its spec and the ``facts`` in the record of the run.

    A member of a list is what the list says. Else the architecture is the name of the network
    without its tag, and the group follows from what is said of ``training`` and ``pretraining``. A
    model made of one other, ``quantized(…, bits=4)``, has the family and group of that, and its
    architecture inside the same words: what two models differ in is then their training alone.
    """
    facts, text = facts or {}, model.partition(" [")[0]
    member = member_of(text)
    if member is not None:
        return About(model, member.architecture, member.family, member.group)
    try:
        spec = parse(text)
    except SpecError:  # a live model goes by its id, provider/name@fingerprint
        name = model.partition("@")[0].rpartition("/")[2]
        return About(model, name, str(facts.get("family") or name), _group(facts))
    inside = [about(str(one), facts) for one in _models(spec)]
    name = _architecture(spec, [one.architecture for one in inside])
    family = str(facts.get("family") or (inside[0].family if len(inside) == 1 else name))
    return About(model, name, family, inside[0].group if len(inside) == 1 else _group(facts))


def _models(spec: Spec) -> list[Spec]:
    """Return the models that a model is made of, none of a network."""
    return [one for one in spec.args if isinstance(one, Spec) and _is_model(one)]


def _is_model(spec: Spec) -> bool:
    return spec.name.partition("/")[0] in MODELS


def _architecture(spec: Spec, inside: Sequence[str]) -> str:
    """Return the name of the network: ``resnet50`` of timm/resnet50.a1_in1k, or of torch:n.py:resnet50."""
    if spec.path is not None:
        return spec.path.rpartition(":")[2]
    if not inside:
        return spec.name.rpartition("/")[2].partition(".")[0]
    others = [str(one) for one in spec.args if not (isinstance(one, Spec) and _is_model(one))]
    given = [f"{name}={format_value(value)}" for name, value in spec.params]
    return f"{spec.name}({', '.join([*inside, *others, *given])})"


def _group(facts: Mapping[str, Any]) -> str:
    training, before = (str(facts.get(key) or "").lower() for key in ("training", "pretraining"))
    if _ADVERSARIAL & set(re.split(r"[^a-z]+", _DENIED.sub("", training))):
        return AT
    if any(mark in f"{before} {training}" for mark in _LARGER):
        return MORE_DATA
    return NORMAL
