"""The classifier with its GELUs approximated, or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _alter(form: Any) -> Callable[..., Any]:
    from roadworthy.models.alterations.activation import gelu_as

    return partial(gelu_as, form=form)


def _applies(model: Classifier, size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.alterations.base import check_changes

    form = arguments["form"]
    what, why = f"computing GELU by its {form} form", "it has none, or no other"
    check_changes(model, _alter(form), size, what, why)


@modifier(applies=_applies)
def gelu(model: Classifier, *, form: Literal["tanh", "erf"] = "tanh") -> Classifier:
    """Compute every GELU, x Φ(x), by its tanh approximation, or by erf where it was trained with tanh.

    Exporters and other frameworks take one for the other. Only calls of torch's own GELU are seen.
    Hendrycks & Gimpel 2016. Raises InapplicableError for a network in which that changes nothing.
    """
    from roadworthy.models.networks import changed

    return changed(model, _alter(form), f"gelu {form}")
