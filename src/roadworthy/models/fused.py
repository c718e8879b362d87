"""A convolution that adds a shortcut and clamps in the same pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from roadworthy.models.fold import FoldedNorm

Clamp = tuple[float, float]
"""Least and largest value of an activation; (0, inf) is a ReLU."""

Pair = tuple[int, int]

FEW = 4
"""Input channels of a group up to which a kernel is cheap: depthwise ones, and those on images."""


class FusedConvolution(nn.Module):
    """Computes ``clamp(convolution(x) + other)``, with the weights of a frozen `nn.Conv2d`.

    One pass with oneDNN on a CPU, in float32 or, where the processor has such arithmetic, under
    bfloat16 autocast; the separate steps otherwise. The gradient is that of the steps: a value at a
    limit of the clamp passes none. Timm's "same" convolution, which pads the frame unevenly, is
    understood. ``overwrites`` lets it clamp the gradient of its result where that lies: only for one
    that nothing else gets.
    """

    def __init__(self, convolution: nn.Conv2d, clamp: Clamp | None) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride: Pair = _pair(convolution.stride)
        self.dilation: Pair = _pair(convolution.dilation)
        self.groups = convolution.groups
        self.same = type(convolution) is not nn.Conv2d
        self.padding: Pair = (0, 0) if self.same else _pair(convolution.padding)
        self.clamp = clamp
        self.overwrites = False
        self.folded_norm: FoldedNorm | None = getattr(convolution, "folded_norm", None)
        self._short: _Short | None = None

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Return the result for ``x`` (N, C, H, W) and, where one is added, ``other``."""
        weight, bias = self.weight, self.bias
        if _short(x):
            weight, bias = self._in_bf16()
            x, other = x.to(torch.bfloat16), None if other is None else other.to(torch.bfloat16)
        x, weight, padding = self._padded(x, weight)
        plan = (padding, self.stride, self.dilation, self.groups)
        if not _fast(x, other, weight):
            return self._plain(x, other, weight, bias, padding)
        if torch.is_grad_enabled() and (
            x.requires_grad or (other is not None and other.requires_grad)
        ):
            result: Tensor = _Pass.apply(x, other, weight, bias, plan, self.clamp, self.overwrites)
            return result
        return _forward(x, other, weight, bias, plan, self.clamp)

    def forget(self) -> None:
        """Drop what is kept of earlier weights; they are told by their place in memory."""
        self._short = None

    def _in_bf16(self) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias in bfloat16: kept, since autocast would cast them at every pass."""
        known = self._short
        if known is None or not known.is_of(self.weight, self.bias):
            known = self._short = _Short.of(self.weight, self.bias)
        return known.weight, known.bias

    def _padded(self, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Pair]:
        """Return frame, kernel and even padding that together give what was asked for.

        Padding a large frame unevenly copies it. A kernel that is cheap to run gets a first row and
        column of zeros instead, and with it a padding that is as wide on both sides.
        """
        if not self.same:
            return x, weight, self.padding
        kernel = _pair(weight.shape[-2:])
        down, across = same_padding(x.shape[-2:], kernel, self.stride, self.dilation)
        before, after = zip(down, across, strict=True)
        if before == after:
            return x, weight, (before[0], before[1])
        if weight.shape[1] <= FEW and self.dilation == (1, 1):
            more = after[0] - before[0], after[1] - before[1]
            return x, functional.pad(weight, (more[1], 0, more[0], 0)), (after[0], after[1])
        return functional.pad(x, (*across, *down)), weight, (0, 0)

    def _plain(
        self,
        x: Tensor,
        other: Tensor | None,
        weight: Tensor,
        bias: Tensor | None,
        padding: Pair,
    ) -> Tensor:
        y = functional.conv2d(x, weight, bias, self.stride, padding, self.dilation, self.groups)
        y = y if other is None else y + other
        if self.clamp is None:
            return y
        low, high = self.clamp
        return functional.relu(y) if high == math.inf else functional.hardtanh(y, low, high)


def same_padding(
    size: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[Pair, Pair]:
    """Return what "SAME" adds above and below, left and right of a frame (height, width).

    So much that a frame of W columns gives ceil(W / stride), half of it before and the rest after.
    """
    need = [
        max((-(-length // step) - 1) * step + (width - 1) * spread + 1 - length, 0)
        for length, step, width, spread in zip(size, stride, kernel, dilation, strict=True)
    ]
    down, across = ((n // 2, n - n // 2) for n in need)
    return down, across


def _pair(value: Any) -> Pair:
    first, second = value
    return int(first), int(second)


@dataclass(frozen=True)
class _Short:
    """Weight and bias in bfloat16, and of which tensors in which state they are copies."""

    weight: Tensor
    bias: Tensor | None
    origin: tuple[tuple[int, int] | None, ...]

    @staticmethod
    def of(weight: Tensor, bias: Tensor | None) -> _Short:
        """Return the copies."""
        with torch.inference_mode(mode=False):
            low = weight.detach().to(torch.bfloat16)
            return _Short(
                low.contiguous(memory_format=torch.channels_last),
                None if bias is None else bias.detach().to(torch.bfloat16),
                (_state(weight), _state(bias)),
            )

    def is_of(self, weight: Tensor, bias: Tensor | None) -> bool:
        """Whether the tensors are still those copied, unchanged."""
        return self.origin == (_state(weight), _state(bias))


def _state(tensor: Tensor | None) -> tuple[int, int] | None:
    if tensor is None:
        return None
    # Tensors made under inference mode do not count their changes.
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version


def _short(x: Tensor) -> bool:
    """Whether the pass is to run in bfloat16 arithmetic that the processor has."""
    return (
        torch.is_autocast_enabled("cpu")
        and x.device.type == "cpu"
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and _has_bf16()
    )


@cache
def _has_bf16() -> bool:
    return bool(torch._C._has_mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _fast(x: Tensor, other: Tensor | None, weight: Tensor) -> bool:
    tensors = (x, weight) if other is None else (x, weight, other)
    wanted = torch.float32
    if torch.is_autocast_enabled("cpu"):
        if not _short(x):
            return False
        wanted = torch.bfloat16
    fits = all(t.dtype == wanted and t.device.type == "cpu" for t in tensors)
    return fits and torch._C._has_mkldnn


def _forward(
    x: Tensor, other: Tensor | None, weight: Tensor, bias: Tensor | None, plan: Any, clamp: Any
) -> Tensor:
    name, limits = _activation(clamp)
    call = torch.ops.mkldnn._convolution_pointwise
    if other is None:
        y: Tensor = call(x, weight, bias, *plan, name or "none", limits, "")
        return y
    other = other.contiguous(memory_format=torch.channels_last)
    if limits:  # only a ReLU can follow a sum in the same pass
        y = call.binary(x, other, weight, bias, *plan, "add", None, None, [], "")
        return functional.hardtanh_(y, *limits)
    return cast(Tensor, call.binary(x, other, weight, bias, *plan, "add", None, name, [], ""))


def _activation(clamp: Clamp | None) -> tuple[str | None, list[float]]:
    if clamp is None:
        return None, []
    return ("relu", []) if clamp == (0.0, math.inf) else ("hardtanh", list(clamp))


class _Pass(torch.autograd.Function):
    """The fused pass with its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        other: Any,
        weight: Any,
        bias: Any,
        plan: Any,
        clamp: Any,
        overwrites: bool,
    ) -> Any:
        """Compute the result."""
        y = _forward(x, other, weight, bias, plan, clamp)
        ctx.save_for_backward(x, weight, y)
        ctx.plan, ctx.clamp, ctx.overwrites = plan, clamp, overwrites
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradients with respect to both inputs."""
        x, weight, y = ctx.saved_tensors
        padding, stride, dilation, groups = ctx.plan
        ours = ctx.overwrites
        if gradient.stride() != y.stride():
            # Where layouts differ each operation goes through memory number by number: once is enough.
            gradient, ours = torch.empty_like(y).copy_(gradient), True
        if ctx.clamp is not None:
            gradient = _clamped(gradient, y, ctx.clamp, gradient if ours else None)
        first = None
        if ctx.needs_input_grad[0]:
            first = torch.ops.aten.convolution_backward(
                gradient,
                x,
                weight,
                [0],
                stride,
                padding,
                dilation,
                False,
                [0, 0],
                groups,
                [True, False, False],
            )[0]
        return first, gradient if ctx.needs_input_grad[1] else None, *[None] * 5


def _clamped(gradient: Tensor, y: Tensor, clamp: Clamp, out: Tensor | None) -> Tensor:
    """Return ``gradient`` where ``y`` lies between the limits, 0 elsewhere; in ``out`` if given."""
    (low, high), aten = clamp, torch.ops.aten
    out = torch.empty_like(gradient) if out is None else out
    if high == math.inf:
        aten.threshold_backward.grad_input(gradient, y, low, grad_input=out)
    else:
        aten.hardtanh_backward.grad_input(gradient, y, low, high, grad_input=out)
    return out
