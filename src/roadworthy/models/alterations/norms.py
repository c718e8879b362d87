"""Batch norms with another epsilon than they were trained with."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from roadworthy.models.alterations.base import argument, check_float, rerouted
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.fold import FoldedNorm

PLACE = 7
"""Which argument of a batch norm is its epsilon."""


def norms_with(model: TorchClassifier, *, eps: float) -> TorchClassifier:
    """Return ``model`` with ``eps`` added to the variances of every batch norm.

    Norms that were folded into the convolution before them are changed there: its weights times
    sqrt((variance + old) / (variance + eps)), and its bias as far as it is not the norm's own.
    """
    check_float(model, "batch_norm_eps")
    network = copy.deepcopy(model.module)
    for part in network.modules():
        folded = getattr(part, "folded_norm", None)
        if folded is not None:
            _refold(part, folded, eps)
    return rerouted(replace(model, module=network), partial(_route, eps=eps), f"eps-{eps:g}")


def _refold(part: Any, norm: FoldedNorm, eps: float) -> None:
    variance, shift = norm.variance.double(), norm.shift.double()
    ratio = ((variance + norm.eps) / (variance + eps)).sqrt().to(part.weight.device)
    shift = shift.to(part.weight.device)
    weight = part.weight.double() * ratio.view(-1, 1, 1, 1)
    bias = shift + (part.bias.double() - shift) * ratio
    part.weight = nn.Parameter(weight.to(part.weight), requires_grad=False)
    part.bias = nn.Parameter(bias.to(part.bias), requires_grad=False)


def _route(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, eps: float
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return argument(args, kwargs, PLACE, "eps", eps) if name == "batch_norm" else (args, kwargs)
