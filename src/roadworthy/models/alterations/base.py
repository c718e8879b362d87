"""What alterations of a network share: calls that take another route, and whether anything changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from roadworthy.errors import InapplicableError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.networks import networks
from roadworthy.models.user_code import last_words
from roadworthy.types import Classifier

Alter = Callable[[TorchClassifier], TorchClassifier]

Route = Callable[[str, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]
"""Takes the name of a function of torch and its arguments, returns the arguments to use instead."""

ROUNDING = 1e-5
"""Largest change of a logit, relative to the largest logit, that float32 rounding explains."""


def rerouted(model: TorchClassifier, route: Route, name: str) -> TorchClassifier:
    """Return ``model`` with the arguments of calls of torch's functions changed by ``route``."""
    return replace(model, id=f"{model.id}+{name}", module=Rerouted(model.module, route))


class Rerouted(nn.Module):
    """A network whose calls of torch's functions take another route, whoever makes them."""

    def __init__(self, network: nn.Module, route: Route) -> None:
        super().__init__()
        self.network, self.route = network, route

    def forward(self, x: Tensor) -> Any:
        """Return what the network returns for ``x``."""
        with _Routes(self.route):
            return self.network(x)


class _Routes(TorchFunctionMode):
    def __init__(self, route: Route) -> None:
        super().__init__()
        self.route = route

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        args, given = self.route(getattr(func, "__name__", ""), tuple(args), dict(kwargs or {}))
        return func(*args, **given)


def argument(
    args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str, value: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments with the one called ``name``, number ``place`` of its function, as ``value``."""
    if len(args) > place:
        return (*args[:place], value, *args[place + 1 :]), kwargs
    return args, {**kwargs, name: value}


def check_float(model: TorchClassifier, name: str) -> None:
    """Raise InapplicableError for a network whose layers were quantised as they are."""
    if model.quantisation is not None:
        raise InapplicableError(
            f"{model.id} is quantised already: {name} has to come before, as in "
            f"stack({name}(…), quantize(…))"
        )


@torch.inference_mode()
def check_changes(
    model: Classifier, alter: Alter, size: tuple[int, int], what: str, why: str
) -> None:
    """Raise InapplicableError where ``alter`` changes the logits of no network in ``model``.

    ``size`` is that of its frames; ``what`` would be changed, and ``why`` says what may be missing.
    """
    if not any(_changes(network, alter, size) for network in networks(model)):
        height, width = size
        raise InapplicableError(
            f"{what} changes nothing of {model.id} on frames of {height}x{width}: {why}"
        )


def _changes(network: TorchClassifier, alter: Alter, size: tuple[int, int]) -> bool:
    device = next((p.device for p in network.module.parameters()), torch.device("cpu"))
    shape = (2, 3, *(network.pipeline.size or size))
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device)
    wanted, other = network.logits(x), alter(network)
    try:
        got = other.logits(x)
    except Exception as error:  # such as a linear layer that fits no other frame
        raise InapplicableError(f"{other.id} does not run: {last_words(error)}") from None
    # What is not a number any more has changed, too.
    return not bool((got - wanted).abs().max() <= ROUNDING * wanted.abs().max())
