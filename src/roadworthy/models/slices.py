"""Slices of feature maps whose gradient lies in memory as the maps do."""

from __future__ import annotations

import operator
from typing import Any, cast

import torch
from torch import Tensor, fx
from torch.nn import functional

WHOLE = (slice(None), slice(None, None, 1))


def lay_out_slices(graph: fx.Graph) -> None:
    """Leave out slices of a traced network that take everything; let `sliced` take those to be padded.

    The others may be written to, as views of what they are taken from.
    """
    for node in graph.find_nodes(op="call_function", target=operator.getitem):
        index = node.args[1]
        if not isinstance(index, tuple) or not all(_fixed(part) for part in index):
            continue
        if all(part in WHOLE for part in index):
            node.replace_all_uses_with(cast(fx.Node, node.args[0]))
            graph.erase_node(node)
        elif all(user.target is functional.pad for user in node.users):
            node.target = sliced


def _fixed(part: Any) -> bool:
    return isinstance(part, slice) and all(
        bound is None or type(bound) is int for bound in (part.start, part.stop, part.step)
    )


def sliced(x: Any, index: tuple[slice, ...]) -> Any:
    """Return ``x[index]``; of feature maps (N, C, H, W) in channels-last a gradient that is so too."""
    if (
        torch.is_grad_enabled()
        and isinstance(x, Tensor)
        and x.requires_grad
        and x.ndim == 4
        and x.is_contiguous(memory_format=torch.channels_last)
    ):
        return _Sliced.apply(x, index)
    return x[index]


class _Sliced(torch.autograd.Function):
    """A slice whose gradient torch itself would spread over zeros in another layout, slowly."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: tuple[slice, ...]) -> Tensor:
        """Copy what is taken."""
        ctx.shape, ctx.index = x.shape, index
        return x[index].clone(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient with respect to ``x``, 0 where nothing was taken."""
        spread = torch.empty(
            ctx.shape,
            dtype=gradient.dtype,
            device=gradient.device,
            memory_format=torch.channels_last,
        )
        spread.zero_()[ctx.index] = gradient
        return spread, None
