"""What is known of a model beyond its spec: its architecture, family, and how it was trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.models.lists import member_of
from roadworthy.spec import SpecError, parse

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
    without its tag, and the group follows from what is said of ``training`` and ``pretraining``.
    """
    facts = facts or {}
    member = member_of(model.partition(" [")[0])
    if member is not None:
        return About(model, member.architecture, member.family, member.group)
    architecture = _architecture(model)
    family = str(facts.get("family") or architecture)
    return About(model, architecture, family, _group(facts))


def _architecture(model: str) -> str:
    """Return the name of the network: ``resnet50`` of timm/resnet50.a1_in1k, or of torch:n.py:resnet50."""
    try:
        spec = parse(model.partition(" [")[0])
    except SpecError:  # a live model goes by its id, provider/name@fingerprint
        return model.partition("@")[0].rpartition("/")[2]
    if spec.path is not None:
        return spec.path.rpartition(":")[2]
    return spec.name.rpartition("/")[2].partition(".")[0]


def _group(facts: Mapping[str, Any]) -> str:
    training, before = (str(facts.get(key) or "").lower() for key in ("training", "pretraining"))
    if _ADVERSARIAL & set(re.split(r"[^a-z]+", _DENIED.sub("", training))):
        return AT
    if any(mark in f"{before} {training}" for mark in _LARGER):
        return MORE_DATA
    return NORMAL
