"""The classifier with the frames of its pools rounded up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _alter(mode: str) -> Callable[..., Any]:
    from roadworthy.models.alterations.pooling import pools_rounded

    return partial(pools_rounded, up=mode == "ceil")


def _applies(model: Classifier, size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.alterations.base import check_changes

    mode = arguments["mode"]
    way = "up" if mode == "ceil" else "down"
    what, why = f"rounding the frames of pools {way}", "it has no pools, or all fit evenly"
    check_changes(model, _alter(mode), size, what, why)


@modifier(applies=_applies, paper="Wang et al., SysNoise, MLSys 2023")
def ceil_mode(model: Classifier, *, mode: Literal["ceil", "floor"] = "ceil") -> Classifier:
    """Give every max or average pool ceil((W - K + 2 P) / S) + 1 columns instead of floor(…) + 1.

    Runtimes differ in it: a ResNet's maps of 56 columns become 57, and all after them larger, too.
    ``mode=floor`` is for networks that were trained with ceil. Wang et al., SysNoise, MLSys 2023.
    Raises InapplicableError for a network in which that changes nothing, or that then does not run.
    """
    from roadworthy.models.networks import changed

    return changed(model, _alter(mode), f"ceil_mode {mode}")
