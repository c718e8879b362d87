"""The search that FAB and its targeted form share: all ways of some images at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.fab import Fab
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import NEVER, Found

ROWS, FEW, ELEMENTS = 64, 16, 1 << 20
"""Points asked about at once: more are no faster, fewer are slower; of large images fewer, to fit."""

Linearise = Callable[[Counted, Tensor, Goal], tuple[Tensor, Tensor, Tensor]]
"""Gives the logits (R, classes) of R points, a function (R,) that is negative on this side of a
boundary, and its gradient; the goal says which boundary."""


def search(
    fab: Fab,
    model: Counted,
    x: Tensor,
    goal: Goal,
    linearise: Linearise,
    *,
    targets: Tensor | None = None,
    rng: BatchDraws,
) -> Found:
    """Return the nearest points that reach the goal on the ways to all ``targets`` (ways, N).

    Without targets there is one way. A step takes one on every way of an image; an image is finished
    where a point ``within`` the settings' distance was found on any.
    """
    ways = 1 if targets is None else len(targets)
    rows = min(ROWS, max(FEW, ELEMENTS // max(1, x[0].numel())))
    each, everyone = max(1, rows // ways), torch.arange(len(x), device=x.device)
    parts = []
    for some in everyone.tensor_split(max(1, -(-len(x) // each))):  # alike: small ones take longer
        goals = goal.at(some).repeated(ways)
        nearest = Nearest(x[some.repeat(ways)], goals, fab.geometry)
        aims = goals if targets is None else goals.towards(targets[:, some].flatten())
        own = fab.at(some)
        _go(own, model.at(some, images=len(x)), nearest, aims, linearise, ways, rng.at(some))
        parts.append(_best_way(own, nearest, ways))
    return _joined(parts)


def _go(
    fab: Fab,
    model: Counted,
    nearest: Nearest,
    aims: Goal,
    linearise: Linearise,
    ways: int,
    rng: BatchDraws,
) -> None:
    """Go all ways, way after way in ``nearest``, from the images, then from starts around them."""
    images = len(nearest.x) // ways
    last = nearest.x.clone()
    for restart in range(fab.restarts):
        z = last if restart == 0 else _around(fab, nearest, last, ways, rng)
        left = torch.arange(len(z), device=z.device)
        for step in range(fab.steps):
            going = _unfinished(fab, nearest, ways)[left % images]
            if step == 0 or not going.all():
                left, z = left[going], z[going]
                x, aim, here = nearest.x[left], aims.at(left), model.at(left % images)
            if not len(left):
                return
            done = restart * fab.steps + step
            logits, value, gradient = linearise(here, z, aim)
            nearest.see(logits, z, done, rows=left)
            z = fab.step(x, z, value, gradient)
            with torch.no_grad():
                reached = nearest.see(here.logits(z), z, done + 1, rows=left)
            z = torch.where(expanded(reached, z), x + fab.backward * (z - x), z)
        last[left] = z


def _unfinished(fab: Fab, nearest: Nearest, ways: int) -> Tensor:
    """Return which images have nothing yet that is near enough, (images,)."""
    distance = nearest.distance.view(ways, -1).amin(0)
    return (
        torch.ones_like(distance, dtype=torch.bool) if fab.within is None else distance > fab.within
    )


def _around(fab: Fab, nearest: Nearest, last: Tensor, ways: int, rng: BatchDraws) -> Tensor:
    """Return random points half as far from the images as what is known to be enough.

    Where nothing is known that is half as far as the last search went.
    """
    known = nearest.distance.view(ways, -1).amin(0)
    known = known if fab.within is None else known.minimum(torch.as_tensor(fab.within).to(known))
    gone = fab.geometry.size(last - nearest.x)
    radius = torch.where(known.isinf().repeat(ways), gone, known.repeat(ways)) / 2
    parts = zip(nearest.x.chunk(ways), radius.chunk(ways), strict=True)
    return torch.cat([fab.geometry.random(x, expanded(r, x), rng) for x, r in parts])


def _best_way(fab: Fab, nearest: Nearest, ways: int) -> Found:
    """Return for each image what its best way found, and the first step at which any way did.

    That is the first that was near enough, if one was: a budget is broken by no other.
    """
    found = nearest.found()
    assert found.steps_used is not None
    assert found.step_success is not None
    best = nearest.distance.view(ways, -1).argmin(0)
    image = torch.arange(len(best), device=best.device)
    success = found.step_success.view(ways, -1)
    used = found.steps_used.view(ways, -1).amax(0)
    first = torch.where(success == NEVER, used + 1, success).amin(0)
    first = torch.where(first > used, NEVER, first)
    finished = ~_unfinished(fab, nearest, ways)
    return Found(found.x[best * len(best) + image], used, torch.where(finished, used, first))


def _joined(parts: Sequence[Found]) -> Found:
    def column(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])

    return Found(column("x"), column("steps_used"), column("step_success"))
