"""Running one attack: inside its ball, with restarts, whether on its own or as part of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.threads import one_thread
from roadworthy.spec import Spec
from roadworthy.stress._norms import GEOMETRIES, Geometry
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import MEMBERS, Setting, Stress, inherited, stress
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import NEVER, Found
from roadworthy.types import Need, Tap

BudgetDraws = Callable[[Stress, Setting], BatchDraws]
"""Gives every image of the batch the draws of an attack, those it has when it runs on its own."""

BY_ENGINE = ("eps", "norm", "target", "restarts")
"""Arguments of attacks that are not for their functions."""


@dataclass(frozen=True)
class Work:
    """What an attack works on: a batch ``x`` (N, C, H, W) in [0, 1], its goal and its budget.

    ``ball`` is that of attacks with a budget in a norm; the others do not use it.
    ``judge`` says what counts as reached where ``model`` is a less exact one to search with.
    """

    model: Counted
    x: Tensor
    goal: Goal
    ball: Ball
    judge: Counted | None = None

    def at(self, rows: Tensor) -> Work:
        """Return the work on the images ``rows``, indices."""
        model, judge = self.model.at(rows, images=len(self.x)), self.judge
        if judge is not None:
            judge = judge.at(rows, images=len(self.x))
        return Work(model, self.x[rows], self.goal.at(rows), self.ball.at(rows), judge)

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of ``x`` that count, without a graph, counted."""
        with torch.no_grad():
            logits: Tensor = (self.judge or self.model).logits(x)
        return logits


@dataclass(frozen=True)
class Play:
    """Runs attacks on some images of a batch, for an attack that is made of others.

    ``given`` are the outer attack's arguments; members without a budget of their own take its.
    """

    work: Work
    given: Mapping[str, Any]
    draws: BudgetDraws

    def bound(self, member: Spec) -> Stress:
        """Return a member with the budget it takes from the whole."""
        return stress(inherited(member, self.given))

    def rng(self, member: Spec) -> BatchDraws:
        """Return the draws that a member has, from their beginning, for every image."""
        one = self.bound(member)
        return self.draws(one, one.settings[0])

    def __call__(
        self, member: Spec, rows: Tensor, *, ball: Ball | None = None, **changes: Any
    ) -> Found:
        """Run ``member`` on the images ``rows`` (indices) and return what it found for these.

        ``ball``, of these images, stands for the whole's own; ``changes`` are arguments such as
        ``stop`` that are set where the member has them and its spec does not.
        """
        one = self.bound(member)
        setting = one.settings[0]
        own, known = dict(member.params), {p.name for p in one.definition.parameters}
        more = {k: v for k, v in changes.items() if k in known and k not in own}
        work = self.work.at(rows)
        return run(
            one,
            Setting(setting.key, {**setting.arguments, **more}),
            work if ball is None else replace(work, ball=ball),
            draws=lambda asked, under: self.draws(asked, under).at(rows),
        )


def budgeted(member: Spec, given: Mapping[str, Any], *, outer: str) -> Stress:
    """Return a member of the attack ``outer``; raises UsageError if it cannot be one.

    It must be an attack with one variant, in the norm of the whole, and leave budget, targets and
    restarts of its own alone where the whole has them.
    """
    one = stress(inherited(member, given))
    if one.definition.tap is not Tap.INPUT or one.definition.measures:
        raise UsageError(f"{outer}: '{member}' is no attack")
    if one.definition.normless:
        raise UsageError(f"{outer}: '{member}' has no budget in a norm, so it cannot be a member")
    if len(one.settings) != 1:
        raise UsageError(f"{outer}: '{member}' has {len(one.settings)} variants; give one of each")
    own = one.settings[0].arguments
    for name in ("norm", "eps"):
        if name in given and name in own and own[name] != given[name]:
            raise UsageError(
                f"{outer}: '{member}' has another {name} than the whole, {given[name]}; "
                f"give {name} to {outer}, not to '{member.name}'"
            )
    if own["target"] != "none":
        raise UsageError(f"{outer}: give the target to {outer}, not to '{member}'")
    return one


def run(one: Stress, setting: Setting, work: Work, *, draws: BudgetDraws) -> Found:
    """Run an attack on a batch and return what it found, inside ball and box and free of NaN.

    Whatever an attack returns is projected again and anything not finite falls back to the clean
    input, so that none can win by leaving its budget. Images that have not reached the goal are
    tried again as often as ``restarts`` says; what comes nearest is kept. Searches for the smallest
    change restart themselves.
    """
    definition = one.definition
    if definition.minimal and work.judge is not None:
        work = replace(work, model=work.judge)  # a boundary of the less exact model is another one
    arguments = {k: v for k, v in setting.arguments.items() if k not in BY_ENGINE}
    restarts = int(setting.arguments.get("restarts", 1))
    if definition.minimal and "restarts" in setting.arguments:  # it restarts itself: nearer counts
        arguments["restarts"], restarts = restarts, 1
    members = () if MEMBERS not in arguments else (arguments.pop(MEMBERS),)
    rng = draws(one, setting) if definition.takes_draws else None

    def attempt(work: Work, rng: BatchDraws | None) -> Found:
        given = dict(arguments)
        if rng is not None:
            given["rng"] = rng
        if definition.takes_play:
            given["play"] = Play(work, setting.arguments, draws)
        budget: tuple[Geometry | Ball, ...] = (work.ball,)
        if definition.minimal:
            budget = (GEOMETRIES[setting.arguments["norm"]],)
        elif definition.normless:
            budget = ()
        with one_thread(work.x):  # the threads are for the model's passes
            found = definition.function(work.model, work.x, work.goal, *budget, *members, **given)
        return _kept_inside(one, found, work)

    found = attempt(work, rng)
    for _ in range(restarts - 1):
        logits = work.logits(found.x)
        rows = (~work.goal.reached(logits)).nonzero().squeeze(1)
        if not len(rows):
            break
        left = work.at(rows)
        again = attempt(left, None if rng is None else rng.at(rows))
        if Need.GRADIENT not in one.needs:  # steps are queries: those of all attempts count
            found, again = _counted_on(found, again, rows)
        found = _replaced(
            found, again, rows, _nearer(left.logits(again.x), logits[rows], left.goal)
        )
    return found


def _counted_on(found: Found, again: Found, rows: Tensor) -> tuple[Found, Found]:
    """Return both with the steps that the images ``rows`` got in ``again`` after those before."""
    if found.steps_used is None or again.steps_used is None:
        return found, again
    before = found.steps_used[rows]
    used, first = before + again.steps_used, again.step_success
    if first is not None:
        first = torch.where(first == NEVER, NEVER, before + first)
    whole = found.steps_used.index_put((rows,), used)
    return replace(found, steps_used=whole), replace(again, steps_used=used, step_success=first)


def _nearer(new: Tensor, old: Tensor, goal: Goal) -> Tensor:
    """Return where logits ``new`` come nearer to the goal than ``old``; anything is nearer than NaN."""
    finite = new.isfinite().all(dim=1)
    return finite & (goal.reached(new) | ~(margin(new, goal) <= margin(old, goal)))


def _kept_inside(one: Stress, found: Found, work: Work) -> Found:
    if found.x.shape != work.x.shape:
        raise RoadworthyError(
            f"attack '{one.spec}' returned a batch of shape {tuple(found.x.shape)} "
            f"for one of shape {tuple(work.x.shape)}"
        )
    x = torch.where(torch.isfinite(found.x), found.x.detach(), work.x)
    boxed = one.definition.minimal or one.definition.normless
    inside = x.clamp(0.0, 1.0) if boxed else work.ball.project(work.x, x)
    return replace(found, x=inside)


def _replaced(found: Found, other: Found, rows: Tensor, where: Tensor) -> Found:
    """Return ``found`` with what ``other`` found for its images ``where``, which stand at ``rows``."""
    changed = {}
    for name in ("x", "steps_used", "step_success", "nan_gradient"):
        old, new = getattr(found, name), getattr(other, name)
        if old is not None and new is not None:
            changed[name] = old.index_put((rows[where],), new[where])
    return replace(found, **changed)
