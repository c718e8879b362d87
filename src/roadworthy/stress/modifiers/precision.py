"""The classifier computed in another number format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from roadworthy.stress.base import modifier
from roadworthy.types import Classifier


def _applies(model: Classifier, _size: tuple[int, int], arguments: Mapping[str, Any]) -> None:
    from roadworthy.models.networks import networks
    from roadworthy.models.precision import cast

    networks(model)
    cast(model, arguments["dtype"])


@modifier(level="dtype", applies=_applies, paper="Wang et al., SysNoise, MLSys 2023")
def precision(model: Classifier, *, dtype: Literal["bf16", "fp16"]) -> Classifier:
    """Compute the whole network, weights and activations, in bfloat16 or IEEE half precision.

    The normalised input is rounded to ``dtype`` too; logits come back as float32. Raises
    InapplicableError where the device has no such arithmetic. Wang et al., SysNoise, MLSys 2023.
    """
    from roadworthy.models.precision import cast

    return cast(model, dtype)
