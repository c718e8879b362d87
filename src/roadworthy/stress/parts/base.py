"""What authors of parts of an attack write against: one decorator for each place in its step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from roadworthy.registry import Definition, parameters_of
from roadworthy.stress.norm_names import NORMS, Norm

if TYPE_CHECKING:
    from torch import Tensor

Check = Callable[[Mapping[str, Any]], None]
"""Looks at the arguments of a part before anything runs; raises UsageError."""

Times = Callable[[Mapping[str, Any]], int]
"""Says how many gradients a part asks for in the place of one, given its arguments."""

View = Callable[["Tensor"], "Tensor"]
"""What the model is shown of a batch (N, C, H, W) of points; differentiable, of the same shape."""

GradientAt = Callable[["Tensor"], "Tensor"]
"""The gradient at points (N, C, H, W), as the views show them."""


class Place(IntEnum):
    """Where in a step a part acts; parts act in this order, however a user lists them."""

    VIEWPOINT = 0
    VIEWS = 1
    CORRECTION = 2
    SMOOTHING = 3


@dataclass(frozen=True, kw_only=True)
class PartDefinition(Definition):
    """A registered part of an attack.

    ``order`` tells parts of one ``place`` apart; ``norms`` are those under which it means something;
    ``times`` says how many gradients it asks for.
    """

    place: Place
    order: int = 0
    norms: tuple[Norm, ...] = NORMS
    check: Check | None = None
    times: Times | None = None

    @cached_property
    def takes_draws(self) -> bool:
        """Whether the function draws random numbers (has a parameter ``rng``)."""
        return any(p.name == "rng" for p in parameters_of(self.function))


Decorator = Callable[[Callable[..., Any]], PartDefinition]


def viewpoint(*, order: int = 0, norms: Sequence[Norm] = NORMS, **about: Any) -> Decorator:
    """Register ``f(z, leap, ...) -> Tensor``: the points at which a step takes its gradients.

    ``z`` are the points reached and ``leap`` is what momentum alone would add to them, both
    (N, C, H, W). ``about`` are ``check``, ``version`` and ``paper``, for every kind of part.
    """
    return _part(Place.VIEWPOINT, 2, order=order, norms=tuple(norms), **about)


def views(*, times: Times | None = None, order: int = 0, **about: Any) -> Decorator:
    """Register ``f(..., rng) -> list[View]``: what the model is shown instead of a point.

    The gradient is the mean over all views, with respect to the point. Of several such parts each
    shows everything that those before it show; what it draws, it draws for each anew. ``times``
    says how many views there are, one if None.
    """
    return _part(Place.VIEWS, 0, times=times, order=order, **about)


def correction(
    *, times: Times | None = None, order: int = 0, norms: Sequence[Norm] = NORMS, **about: Any
) -> Decorator:
    """Register ``f(gradient, point, eps, gradient_at, ..., rng) -> Tensor``, added in the next step.

    ``gradient`` is that at ``point``, both (N, C, H, W), and ``eps`` the budget, (N, 1, 1, 1).
    ``gradient_at`` takes further gradients, ``times`` of them. The last step needs no correction.
    """
    return _part(Place.CORRECTION, 4, times=times, order=order, norms=tuple(norms), **about)


def smoothing(*, order: int = 0, **about: Any) -> Decorator:
    """Register ``f(gradient, ...) -> Tensor``: a change of the gradient (N, C, H, W) itself."""
    return _part(Place.SMOOTHING, 1, order=order, **about)


def _part(place: Place, skip: int, **settings: Any) -> Decorator:
    def decorate(function: Callable[..., Any]) -> PartDefinition:
        return PartDefinition(
            name=function.__name__,
            function=function,
            parameters=parameters_of(function, skip=skip, without=frozenset({"rng"})),
            place=place,
            **settings,
        )

    return decorate
