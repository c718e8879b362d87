"""Scale invariance (SI): the mean gradient over darker and darker copies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress.parts.base import View, views


def _check(arguments: Mapping[str, Any]) -> None:
    if not 1 <= arguments["copies"] <= 64:
        raise UsageError(f"scale: copies must be 1 to 64, not {arguments['copies']}")


@views(
    order=1,
    times=lambda arguments: int(arguments["copies"]),
    check=_check,
    paper="Lin et al., ICLR 2020",
)
def scale(*, copies: int = 5) -> list[View]:
    """Show x, x / 2, x / 4, ..., x / 2^(copies - 1); the gradient is the mean over all of them.

    One copy is the point itself. Gradients are those with respect to x, so that darker copies count
    less. Lin et al., "Nesterov accelerated gradient and scale invariance", ICLR 2020.
    """
    return [partial(_darkened, by=2.0**power) for power in range(copies)]


def _darkened(x: Tensor, *, by: float) -> Tensor:
    return x / by
