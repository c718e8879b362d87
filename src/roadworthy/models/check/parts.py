"""The torch networks that a classifier consists of."""

from __future__ import annotations

from roadworthy.models.check.evidence import NotPossibleError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.types import Classifier


def networks(model: Classifier) -> list[TorchClassifier]:
    """Return the torch networks in ``model``, itself or its members; or NotPossibleError."""
    if isinstance(model, TorchClassifier):
        return [model]
    members = getattr(model, "members", None)
    if members is not None:
        return [network for member in members for network in networks(member)]
    raise NotPossibleError(f"{model.id} is not a torch network: its inside cannot be seen")
