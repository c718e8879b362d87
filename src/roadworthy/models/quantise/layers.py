"""Which parts of a network are quantised, and how their weights and inputs become it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from roadworthy.models.fused import FusedConvolution
from roadworthy.models.quantise.grid import Grid

PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
SAME_SUM = ("Conv2dSame", "Linear")
"""Subclasses by timm that compute with the weight as it is stored."""

WEIGHTS = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")


def layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the convolutions, linear layers and attentions that are quantised, by name.

    Not those that compute with something else than the weight they store, such as a standardised one,
    which a grid for the stored weight says nothing about.
    """
    return {name: part for name, part in network.named_modules() if _linear_as_stored(part)}


def _linear_as_stored(part: nn.Module) -> bool:
    if isinstance(part, FusedConvolution | nn.MultiheadAttention):
        return True
    if not isinstance(part, PLAIN) or is_parametrized(part) or _weight(part) is None:
        return False
    kind = type(part)
    inherited = any(_same_forward(kind, plain) for plain in PLAIN)
    return inherited or (kind.__name__ in SAME_SUM and kind.__module__.startswith("timm."))


def _same_forward(kind: type, plain: Any) -> bool:
    names = ("forward", "_conv_forward") if plain is not nn.Linear else ("forward",)
    return issubclass(kind, plain) and all(getattr(kind, n) is getattr(plain, n) for n in names)


def _weight(part: nn.Module) -> Tensor | None:
    return part._parameters.get("weight")


def weights(part: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights of a layer by name."""
    for name in WEIGHTS:
        tensor = part._parameters.get(name)
        if tensor is not None:
            yield name, tensor


def replace_weights(part: nn.Module, rounded: Callable[[Tensor], Tensor]) -> None:
    """Give a layer rounded weights: new parameters, since others may be tied to the old ones."""
    for name, tensor in list(weights(part)):
        setattr(part, name, nn.Parameter(rounded(tensor), requires_grad=False))
    if isinstance(part, FusedConvolution):
        part.forget()


def entering(part: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors that a layer multiplies with its weights, of one call."""
    count = 3 if isinstance(part, nn.MultiheadAttention) else 1
    found = [*args[:count], *(kwargs[name] for name in NAMED if name in kwargs)]
    return [one for one in found if isinstance(one, Tensor)]


NAMED = ("input", "query", "key", "value")
"""What these arguments are called where they are given by name."""


@dataclass(frozen=True)
class Rounding:
    """A hook in front of a layer that puts what enters it on ``grid``."""

    grid: Grid

    def __call__(
        self, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with the tensors that enter rounded, the same one once."""
        done = {id(x): self.grid.round(x) for x in entering(part, args, kwargs)}
        changed = tuple(done.get(id(value), value) for value in args)
        return changed, {name: done.get(id(value), value) for name, value in kwargs.items()}
