"""Strided convolutions and max pools padded evenly, or as TensorFlow's "SAME"."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Literal

from torch import nn
from torch.nn import functional

from roadworthy.models.alterations.base import check_float, rerouted
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.fused import FusedConvolution, Pair, same_padding

Style = Literal["symmetric", "same"]


def padded(model: TorchClassifier, *, style: Style) -> TorchClassifier:
    """Return ``model`` with what pads by half a window padded in ``style``.

    ``same`` pads as much as makes ceil(W / S) columns, the odd one at the right and at the bottom;
    ``symmetric`` the same at both sides. Convolutions that are padded otherwise, or not at all, stay.
    """
    check_float(model, "padding")
    network = copy.deepcopy(model.module)
    for name, part in list(network.named_modules()):
        changed = _convolution(part, style)
        if changed is not None:
            network.set_submodule(name, changed)
    made = replace(model, module=network)
    if style == "same":
        return rerouted(made, _pool, "padding-same")
    return replace(made, id=f"{model.id}+padding-symmetric")


def _convolution(part: nn.Module, style: Style) -> FusedConvolution | None:
    """Return the convolution padded otherwise, or None where it is none, or is so already."""
    if isinstance(part, nn.Conv2d) and part.padding_mode == "zeros":
        if isinstance(part.padding, str) or type(part).__name__ not in ("Conv2d", "Conv2dSame"):
            return None
        part = FusedConvolution(part, None)
    if not isinstance(part, FusedConvolution):
        return None
    half = _half(part)
    if (style == "symmetric") != part.same or (style == "same" and part.padding != half):
        return None
    part.same, part.padding = (True, (0, 0)) if style == "same" else (False, half)
    return part


def _half(part: FusedConvolution) -> Pair:
    down, across = (
        ((step - 1) + spread * (kernel - 1)) // 2
        for step, spread, kernel in zip(
            part.stride, part.dilation, part.weight.shape[-2:], strict=True
        )
    )
    return down, across


def _pool(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Pad a max pool with half a window of padding as "SAME": with what is never the largest."""
    if name != "max_pool2d":
        return args, kwargs
    given = {
        **dict(zip(("input", "kernel_size", "stride", "padding"), args, strict=False)),
        **kwargs,
    }
    x, kernel = given["input"], _both(given["kernel_size"])
    step = _both(given.get("stride") or kernel)
    padding = _both(given.get("padding", 0))
    if _both(given.get("dilation", 1)) != (1, 1) or 0 in padding:
        return args, kwargs
    if padding != tuple((k - 1) // 2 for k in kernel) or len(args) > len(("x", "k", "s", "p")):
        return args, kwargs
    down, across = same_padding(x.shape[-2:], kernel, step, (1, 1))
    x = functional.pad(x, (*across, *down), value=-float("inf"))
    return (), {**given, "input": x, "padding": 0}


def _both(value: Any) -> Pair:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)
