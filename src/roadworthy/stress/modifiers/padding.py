"""The classifier with its strided convolutions and max pools padded otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _alter(style: Any) -> Callable[..., Any]:
    from roadworthy.models.alterations.padding import padded

    return partial(padded, style=style)


def _applies(model: Classifier, size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.alterations.base import check_changes

    style = arguments["style"]
    what, why = f"{style} padding", "nothing is padded by half a window, or so already"
    check_changes(model, _alter(style), size, what, why)


@modifier(level="style", applies=_applies)
def padding(model: Classifier, *, style: Literal["symmetric", "same"]) -> Classifier:
    """Pad convolutions and max pools evenly, or as TensorFlow's "SAME" with the odd one at the end.

    On even frames windows of odd width with a stride of 2 stand one pixel apart under the two, which
    conversions between frameworks forget. What is padded otherwise than by half a window stays. Raises
    InapplicableError for a network in which that changes nothing, and for one that is quantised.
    """
    from roadworthy.models.networks import changed

    return changed(model, _alter(style), f"{style} padding")
