"""The torch networks that a classifier consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from roadworthy.errors import InapplicableError, RoadworthyError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.types import Classifier


def networks(model: Classifier) -> list[TorchClassifier]:
    """Return the torch networks in ``model``, itself or its members, or raise InapplicableError."""
    if isinstance(model, TorchClassifier):
        return [model]
    members = getattr(model, "members", None)
    if members is not None:
        return [network for member in members for network in networks(member)]
    raise InapplicableError(f"{model.id} is not a torch network: its inside cannot be seen")


def changed(
    model: Classifier, change: Callable[[TorchClassifier], TorchClassifier], what: str
) -> Classifier:
    """Return ``model`` with ``change`` applied, to every member if it is made of others."""
    if isinstance(model, TorchClassifier):
        return change(model)
    members = getattr(model, "members", None)
    if members is not None:
        others = tuple(changed(member, change, what) for member in members)
        return replace(model, members=others)  # type: ignore[type-var]
    raise RoadworthyError(f"{model.id}: {what} needs a torch model, this is not one")
