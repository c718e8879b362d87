"""The classifier with another epsilon in its batch norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 < arguments["eps"] < float("inf"):
        raise UsageError(
            f"eps is what a batch norm adds to variances, above 0, not {arguments['eps']}"
        )


def _alter(eps: float) -> Callable[..., Any]:
    from roadworthy.models.alterations.norms import norms_with

    return partial(norms_with, eps=eps)


def _applies(model: Classifier, size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.alterations.base import check_changes

    eps = arguments["eps"]
    what, why = f"eps={eps:g} in batch norms", "it has none, or they have it already"
    check_changes(model, _alter(eps), size, what, why)


@modifier(check=_check, applies=_applies)
def batch_norm_eps(model: Classifier, *, eps: float = 1e-3) -> Classifier:
    """Add ``eps`` to the variances in every batch norm: TensorFlow's default is 1e-3, torch's 1e-5.

    Norms that were folded into convolutions are changed there. Raises InapplicableError for a network
    in which that changes nothing, and for one that is quantised already.
    """
    from roadworthy.models.networks import changed

    return changed(model, _alter(eps), f"batch norms with eps {eps:g}")
