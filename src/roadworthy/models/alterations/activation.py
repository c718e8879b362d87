"""GELU by its definition or by its approximation."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from roadworthy.models.alterations.base import rerouted
from roadworthy.models.classifier import TorchClassifier

Form = Literal["tanh", "erf"]
WORDS: dict[Form, str] = {"tanh": "tanh", "erf": "none"}
"""What torch calls the forms: its word is for the approximation."""


def gelu_as(model: TorchClassifier, *, form: Form) -> TorchClassifier:
    """Return ``model`` with every GELU of torch computed by ``form``."""
    return rerouted(model, partial(_route, word=WORDS[form]), f"gelu-{form}")


def _route(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, word: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (args, {**kwargs, "approximate": word}) if name == "gelu" else (args, kwargs)
