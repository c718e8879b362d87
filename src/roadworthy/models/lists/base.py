"""What a list of models is, and the files that define them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from roadworthy import _yaml
from roadworthy.spec import SpecError, parse

Group = Literal["normal", "21k", "at", "ssl"]
"""How a network was trained: on ImageNet-1k alone, with more data, adversarially, self-supervised."""


class Member(BaseModel):
    """One model of a published study and what stands in for it here.

    ``network`` is the spec of a network of that architecture, ``pretrained`` whether published
    weights of it stand in for the original; ``why`` says how they differ, or why there are none.
    ``architecture`` is what models share that differ in their training alone. ``top1`` is the
    published accuracy in percent, given only where the source can be relied upon, ``top1_of``
    where from, ``top1_images`` on how many images of the validation set. ``normalised`` is a word
    for the normalisation that weights of one's own need, where it is not that of the network's card.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    name: str
    family: str
    architecture: str
    group: Group
    training: str | None = None
    top1: float | None = None
    top1_of: str = ""
    top1_images: int = 0
    network: str | None = None
    pretrained: bool = False
    normalised: Literal["imagenet", "half", "none"] | None = None
    why: str = ""


class ModelList(BaseModel):
    """A versioned list of models; the version changes when a member or its stand-in does.

    ``pipeline`` are options of how images are read that all members share, by the study's protocol.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str
    version: int
    paper: str
    pipeline: Mapping[str, Any] = {}
    members: tuple[Member, ...]

    def get(self, key: str) -> Member | None:
        """Return the member called ``key``, None where there is none."""
        return next((member for member in self.members if member.key == key), None)


@cache
def lists() -> dict[str, ModelList]:
    """Return every list of models by name, without the ``@``."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        value = _yaml.load(path.read_text(encoding="utf-8"))
        found[path.stem] = ModelList(name=path.stem, **value)
    return found


def member_of(spec: str) -> Member | None:
    """Return the member that the spec of a model names (``survey18/vgg16``), None for any other."""
    try:
        head, _, key = parse(spec).name.partition("/")
    except SpecError:
        return None
    return lists()[head].get(key) if head in lists() else None
