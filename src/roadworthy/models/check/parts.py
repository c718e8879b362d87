"""The torch networks that a classifier consists of, for findings about their inside."""

from __future__ import annotations

from roadworthy.errors import InapplicableError
from roadworthy.models import networks as inside
from roadworthy.models.check.evidence import NotPossibleError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.types import Classifier


def networks(model: Classifier) -> list[TorchClassifier]:
    """Return the torch networks in ``model``, itself or its members; or NotPossibleError."""
    try:
        return inside.networks(model)
    except InapplicableError as error:
        raise NotPossibleError(str(error)) from None
