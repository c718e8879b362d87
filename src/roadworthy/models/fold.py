"""Fold batch norms into the convolutions before them, where that provably changes nothing."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from roadworthy.models.classifier import outputs

TOLERANCE = 1e-4
"""Largest difference of a logit, relative to the largest logit, that counts as rounding.

Folding rounds every weight once (6e-8) and changes the order of sums; over some hundred layers
that was measured as 1e-6 to 1e-5. A convolution whose output is also used elsewhere, or a norm that
does more than its formula, gives errors of the order of the logits themselves.
"""

IMAGES = 4
Pair = tuple[str, str]


@dataclass
class _Trace:
    """What one forward pass showed: who made which tensor, and which norm took it."""

    made: dict[int, tuple[str, Tensor, int]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    pairs: list[Pair] = field(default_factory=list)


@dataclass(frozen=True)
class FoldedNorm:
    """What a convolution holds of the batch norm folded into it, as its attribute ``folded_norm``.

    ``shift`` is the part of its bias that the norm adds after its scaling.
    """

    variance: Tensor
    shift: Tensor
    eps: float


@torch.no_grad()
def folded(module: nn.Module, size: tuple[int, int]) -> nn.Module:
    """Return a copy of ``module`` (in eval mode) with batch norms folded, or ``module`` itself.

    Pairs of convolution and batch norm are found by the identity of the tensor between them during
    one forward pass, since tracers cannot follow every network. The folded copy is used only if its
    logits on a fixed random batch of frames of ``size`` equal the original's to `TOLERANCE`.
    """
    try:
        x = fixed_batch(module, size)
        pairs, wanted = norm_pairs(module, x)
        if not pairs:
            return module
        candidate = copy.deepcopy(module)
        if all(_fold(candidate, conv, norm) for conv, norm in pairs) and agree(
            wanted, outputs(candidate(x), "network")
        ):
            return candidate
    except Exception:  # an optimisation: whatever a foreign module does, the original stands
        return module
    return module


def norm_pairs(module: nn.Module, x: Tensor) -> tuple[list[Pair], Tensor]:
    """Return the names of (convolution, norm) pairs that are each called once, and the logits."""
    trace, hooks = _Trace(), []
    try:
        for name, part in module.named_modules():
            if is_plain_convolution(part):
                hooks.append(part.register_forward_hook(_maker(trace, name)))
            elif is_plain_norm(part):
                hooks.append(part.register_forward_pre_hook(_taker(trace, name)))
        logits = outputs(module(x), "network")
    finally:
        for hook in hooks:
            hook.remove()
    taken = Counter(conv for conv, _ in trace.pairs)
    pairs = [
        (conv, norm)
        for conv, norm in trace.pairs
        if trace.calls[conv] == trace.calls[norm] == taken[conv] == 1
    ]
    return pairs, logits


def _maker(trace: _Trace, name: str) -> Any:
    def hook(_part: nn.Module, _inputs: Any, output: Any) -> None:
        trace.calls[name] += 1
        # kept alive, so that its id stays its own; the version tells if it is changed in place
        trace.made[id(output)] = (name, output, output._version)

    return hook


def _taker(trace: _Trace, name: str) -> Any:
    def hook(_part: nn.Module, inputs: Any) -> None:
        trace.calls[name] += 1
        maker, _, version = trace.made.get(id(inputs[0]) if inputs else 0, ("", None, 0))
        if maker and inputs[0]._version == version:
            trace.pairs.append((maker, name))

    return hook


def is_plain_convolution(part: nn.Module) -> bool:
    """Whether ``part`` is linear in its weight as stored: torch's own, or timm's "same" one."""
    return type(part) is nn.Conv2d or (
        isinstance(part, nn.Conv2d) and type(part).__name__ == "Conv2dSame"
    )


def is_plain_norm(part: nn.Module) -> bool:
    """Whether ``part`` is a batch norm with running statistics, perhaps with timm's activation."""
    if not isinstance(part, nn.BatchNorm2d) or part.running_mean is None:
        return False
    return type(part) is nn.BatchNorm2d or type(part).__name__ == "BatchNormAct2d"


def _fold(module: nn.Module, conv_name: str, norm_name: str) -> bool:
    conv = cast(nn.Conv2d, module.get_submodule(conv_name))
    norm = cast(nn.BatchNorm2d, module.get_submodule(norm_name))
    if norm.running_mean is None or norm.running_var is None:
        return False
    gain = (norm.running_var.double() + norm.eps).rsqrt()
    added = torch.zeros_like(gain) if norm.bias is None else norm.bias.detach().double()
    if norm.weight is not None:
        gain = gain * norm.weight.double()
    bias = (
        -norm.running_mean.double() if conv.bias is None else conv.bias.double() - norm.running_mean
    )
    shift = bias * gain + added
    weight = conv.weight.double() * gain.view(-1, 1, 1, 1)
    # New parameters, not new values: a weight tied to another module's must stay as it is there.
    conv.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    conv.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)
    kept = FoldedNorm(norm.running_var.clone(), added, norm.eps)
    conv.folded_norm = kept  # type: ignore[assignment]
    parent, _, leaf = norm_name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, _rest(norm))
    return bool(conv.weight.isfinite().all() and conv.bias.isfinite().all())


def _rest(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what a norm does after its formula: timm's norms carry an activation."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    return nn.Sequential(norm.get_submodule("drop"), norm.get_submodule("act"))


def agree(wanted: Tensor, got: Tensor) -> bool:
    """Whether two tensors of logits are finite and the same to `TOLERANCE`."""
    if not (wanted.isfinite().all() and got.isfinite().all()):
        return False
    difference = (wanted.double() - got.double()).abs().max()
    return bool(difference <= TOLERANCE * wanted.double().abs().max())


def fixed_batch(module: nn.Module, size: tuple[int, int]) -> Tensor:
    """Return fixed random input about as large as normalised images are, as ``module`` takes it."""
    made = torch.randn(IMAGES, 3, *size, generator=torch.Generator().manual_seed(0))
    like = next(module.parameters(), None)
    return made if like is None else made.to(like)
