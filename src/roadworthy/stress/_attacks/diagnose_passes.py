"""The forward and backward passes that tell whether attacks on a model can be believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from roadworthy.models.counted import Counted
from roadworthy.models.threads import all_threads
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, margin
from roadworthy.stress.play import Work
from roadworthy.types import Classifier, Need

RUNS = 5
COMPANY = 8
"""Images that are judged a second time, among others than before."""

CHANGES = (3e-4, 1e-3, 3e-3)
"""Steps are as long as should change the margin by so many standard deviations of the logits: long
enough to be no rounding, and too short for a network to curve."""

SMALLEST, LARGEST = 2e-6, 1e-3
"""What these steps are kept between: above the rounding of a float32 pixel, and within `EDGE`."""

EDGE = 1 / 256
"""How far points stay away from black and white, where models may clip their input."""


@dataclass(frozen=True)
class Slopes:
    """Gradients at a point near each image, as far as they matter.

    ``zero`` says for each loss where its gradient is exactly zero, (N,), or is None where none
    reaches the input; ``broken`` is where logits or gradients are not finite, ``reached`` where the
    point reaches the goal already, both (N,). ``surprise`` (steps, N) is how much the margin
    changes otherwise than its gradient says, relative to what it says; None if that was not tried.
    """

    zero: dict[str, Tensor] | None
    broken: Tensor
    reached: Tensor
    surprise: Tensor | None = None


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis goes by: ``runs`` (5, N, classes) are logits of the same images.

    ``company`` (n, classes) are logits of the first of them in another batch. ``optimises`` says
    whether a backward pass ran inside the model, ``exact`` whether it computes in float32 or better.
    ``slopes`` is None if the model gives no gradient.
    """

    work: Work
    runs: Tensor
    company: Tensor
    optimises: bool
    exact: bool
    slopes: Slopes | None


def gather(work: Work, rng: BatchDraws, images: int) -> Evidence:
    """Ask the model about the first ``images`` of ``work``: 9 or 11 forwards and 3 backwards each."""
    chosen = torch.arange(min(images, len(work.x)), device=work.x.device)
    work, rng = work.at(chosen), rng.at(chosen)
    first, optimises = _watched(partial(work.logits, work.x))
    runs = torch.stack([first, *(work.logits(work.x) for _ in range(RUNS - 1))])
    few = work.at(chosen[:COMPANY])
    company = few.logits(torch.cat([few.x, 1.0 - few.x]))[: len(few.x)]
    exact, slopes = is_exact(work.model.model), None
    if Need.GRADIENT in work.model.gives:
        z = work.ball.random_start(work.x, rng).clamp(EDGE, 1.0 - EDGE)
        slopes = _slopes(work.model, z, work.goal, exact=exact)
    return Evidence(work, runs, company, optimises, exact, slopes)


def is_exact(model: Classifier) -> bool:
    """Return whether all networks in ``model`` compute in float32 or better."""
    members = getattr(model, "members", None)
    if members is not None:
        return all(is_exact(member) for member in members)
    wide = getattr(model, "dtype", torch.float32) in (torch.float32, torch.float64)
    return wide and getattr(model, "precision", "fp32") == "fp32"


def _watched(ask: Callable[[], Tensor]) -> tuple[Tensor, bool]:
    """Return an answer without a graph, and whether a backward pass ran on the way to it.

    A backward pass needs tensors that were saved for it, and the hooks see when these are taken
    out again; unlike a tracer they cost nothing and leave debuggers alone.
    """
    taken: list[bool] = []

    def unpack(tensor: Tensor) -> Tensor:
        taken.append(True)
        return tensor

    with saved_tensors_hooks(lambda tensor: tensor, unpack):
        answer = ask()
    return answer, bool(taken)


def _slopes(model: Counted, z: Tensor, goal: Goal, *, exact: bool) -> Slopes:
    with torch.enable_grad():
        point = z.detach().clone().requires_grad_()
        logits = model.logits(point)
        found = {name: _gradient(loss(logits, goal), point) for name, loss in LOSSES.items()}
    logits = logits.detach()
    known = {name: slope for name, slope in found.items() if slope is not None}
    finite = logits.isfinite().all(dim=1)
    for slope in known.values():
        finite = finite & slope.isfinite().flatten(1).all(dim=1)
    reached = goal.reached(logits)
    if len(known) < len(found):
        return Slopes(None, ~finite, reached)
    zero = {name: (slope == 0).flatten(1).all(dim=1) for name, slope in known.items()}
    surprise = _surprise(model, z, goal, logits, known["margin"]) if exact else None
    return Slopes(zero, ~finite, reached, surprise)


def _gradient(loss: Tensor, point: Tensor) -> Tensor | None:
    if not loss.requires_grad:
        return None
    slope: Tensor | None
    with all_threads():
        (slope,) = torch.autograd.grad(loss.sum(), point, retain_graph=True, allow_unused=True)
    return slope


def _surprise(model: Counted, z: Tensor, goal: Goal, logits: Tensor, slope: Tensor) -> Tensor:
    """Return how wrong the gradient is about short steps along its sign, (steps, N).

    Where a model is continuous the error vanishes with the step, however many kinks it has; jumps
    grow the larger beside the step the shorter that is.
    """
    rate, spread = slope.flatten(1).abs().sum(dim=1), logits.std(dim=1)
    surprises = []
    for change in CHANGES:
        size = (change * spread / rate.clamp_min(1e-30)).clamp(SMALLEST, LARGEST)
        expected = size * rate
        with torch.no_grad():
            moved = model.logits(z + expanded(size, z) * slope.sign())
        gained = margin(moved, goal) - margin(logits, goal)
        floor = (1e-3 * spread).clamp_min(1e-30)
        surprises.append((gained - expected).abs() / torch.maximum(expected, floor))
    return torch.stack(surprises)
