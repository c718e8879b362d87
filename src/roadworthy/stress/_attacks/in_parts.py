"""Climbing a loss along momentum, with parts that say where and how gradients are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.climb import accumulated
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import Loss
from roadworthy.stress.parts import Part
from roadworthy.stress.parts.base import Place, View
from roadworthy.stress.watch import Found, Stop, Watch


def climb_in_parts(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    parts: Sequence[Part],
    steps: int,
    size: Tensor,
    loss: Loss,
    stop: Stop,
    decay: float,
    rng: BatchDraws,
) -> Found:
    """Take ``steps`` steepest steps of ``size`` (N,) along momentum from ``x``; return the last.

    Without parts it is `climb` with momentum. Gradients may be taken elsewhere than at the points
    reached, so success is only looked for, by a forward pass before each step, where it stops the
    attack, and ``step_success`` is None where it does not.
    """
    watch = Watch(model, x, goal, ball, stop=stop, rng=rng)
    z, size, momentum = x, expanded(size.to(x), x), torch.zeros_like(x)
    tuned = torch.zeros_like(x)
    for step in range(steps):
        if stop == "success":
            with torch.no_grad():
                logits = watch.model.logits(z)
            going = watch.see(logits, z, step)
            z, size, momentum, tuned = watch.keep(going, z, size, momentum, tuned)
            if not len(watch):
                break
        leap = size * decay * momentum * x.shape[1:].numel()
        look = _Look(watch, parts, loss)
        point = look.point(z, leap)
        gradient = look.gradient(point)
        used = look.smoothed(watch.usable(gradient + tuned))
        if step < steps - 1:
            tuned = look.correction(gradient, point)
        momentum = accumulated(momentum, used, decay)
        assert watch.ball is not None
        z = watch.ball.project(watch.x, z.addcmul(size, watch.ball.steepest(momentum, at=z)))
    found = watch.finish(z, steps)
    return found if stop == "success" else replace(found, step_success=None)


@dataclass(frozen=True)
class _Look:
    """One step's gradients of the images left, as the parts want them."""

    watch: Watch
    parts: Sequence[Part]
    loss: Loss

    def point(self, z: Tensor, leap: Tensor) -> Tensor:
        """Return where gradients are taken."""
        for part in self._at(Place.VIEWPOINT):
            z = part(z, leap, rng=self._rng)
        return z

    def gradient(self, point: Tensor) -> Tensor:
        """Return the mean over all views of the gradient with respect to ``point``."""
        mean = torch.zeros_like(point)
        for number, view in enumerate(self._views(), start=1):
            _, _, one = value_and_gradient(
                self.watch.model, self.loss, point, self.watch.goal, view=view
            )
            mean.lerp_(one, 1 / number)
        return mean

    def correction(self, gradient: Tensor, point: Tensor) -> Tensor:
        """Return what is added to the gradient of the next step."""
        assert self.watch.ball is not None
        eps = expanded(self.watch.ball.eps.to(point), point)
        total = torch.zeros_like(point)
        for part in self._at(Place.CORRECTION):
            total = total + part(gradient, point, eps, self.gradient, rng=self._rng)
        return total

    def smoothed(self, gradient: Tensor) -> Tensor:
        """Return the gradient as momentum gets it."""
        for part in self._at(Place.SMOOTHING):
            gradient = part(gradient, rng=self._rng)
        return gradient

    def _views(self) -> list[View | None]:
        found: list[tuple[View, ...]] = [()]
        for part in self._at(Place.VIEWS):
            found = [(*view, more) for view in found for more in part(rng=self._rng)]
        return [_through(view) for view in found]

    def _at(self, place: Place) -> list[Part]:
        return [part for part in self.parts if part.definition.place is place]

    @property
    def _rng(self) -> BatchDraws:
        assert self.watch.rng is not None
        return self.watch.rng


def _through(views: tuple[View, ...]) -> View | None:
    if not views:
        return None

    def view(x: Tensor) -> Tensor:
        for one in views:
            x = one(x)
        return x

    return view
