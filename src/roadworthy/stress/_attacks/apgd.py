"""APGD, which chooses its own step sizes: one ascent over all phases of its budget.

Croce & Hein, ICML 2020; for L1 Croce & Hein, ICML 2021. Where the published code differs from the
text we follow the text: the first iterate is compared with the loss at the start, where the code
reads an empty entry instead, so that a loss of positive sign always counts as risen in the first
window. After a jump back to the best iterate, losses are compared in the order they were seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.apgd_ascent import Ascent, kept
from roadworthy.stress._attacks.apgd_plan import Plan
from roadworthy.stress._attacks.apgd_rules import RULES
from roadworthy.stress._attacks.apgd_steps import Pace
from roadworthy.stress.ball import Ball
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import Loss
from roadworthy.stress.watch import Watch

QUICK_CHECKS = 1
"""After so many steps a forward pass alone looks who has reached the goal already, if they may stop:
on an undefended network nearly all have, and the backward pass of the next step would be wasted."""


def ascend(watch: Watch, aim: Goal, z: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    """Climb from ``z`` on what ``plan.loss`` makes of ``aim``, while ``watch`` looks for its goal.

    Returns the answers for the images left to the watch at the end, and their best losses.
    """
    assert watch.ball is not None
    done = 0
    for ball, steps in plan.phases(watch.ball):
        z = ball.project(watch.x, z)
        ascent = _climb(watch, aim, z, plan, ball=ball, steps=steps, done=done)
        z, done = ascent.best, done + steps
    return ascent.answer, ascent.best_loss


@dataclass(frozen=True)
class _Climbers:
    """What the images left carry beside what the watch knows of them."""

    aim: Goal
    ball: Ball
    ascent: Ascent
    pace: Pace

    def at(self, going: Tensor | None) -> _Climbers:
        """Return those that go on, all if None."""
        if going is None:
            return self
        aim, ball = self.aim.at(going), self.ball.at(going)
        return _Climbers(aim, ball, kept(self.ascent, going), kept(self.pace, going))

    def after(self, z: Tensor, loss: Tensor, gradient: Tensor, reached: Tensor) -> _Climbers:
        """Return them one iterate later."""
        return replace(self, ascent=self.ascent.after(z, loss, gradient, reached))

    def adapted(self, x: Tensor, *, window: int, share: float) -> _Climbers:
        """Return them after a checkpoint."""
        pace, back = self.pace.adapt(self.ascent, x, self.ball, window=window, share=share)
        return replace(self, pace=pace, ascent=self.ascent.resumed(back))


def _climb(
    watch: Watch, aim: Goal, z: Tensor, plan: Plan, *, ball: Ball, steps: int, done: int
) -> Ascent:
    """Take ``steps`` steps inside ``ball``, ``done`` having been taken in larger ones."""
    # Whoever reaches the goal in a larger ball has not reached it: only the last phase is judged.
    judged = done + steps == plan.steps
    rule = RULES[ball.norm]
    windows = rule.windows(steps)
    logits, loss, gradient = value_and_gradient(watch.model, plan.loss, z, aim)
    gradient = watch.usable(gradient)
    reached = watch.goal.reached(logits) & judged
    pace = rule.begin(z, watch.x, ball, done == 0)
    left = _Climbers(aim, ball, Ascent.begin(z, loss, gradient, reached), pace)
    left = _seen(watch, left, logits, z, done) if judged else left
    for step in range(1, steps + 1):
        if not len(watch):
            break
        z = left.pace.move(left.ascent, watch.x, left.ball, first=step == 1)
        if judged and watch.stop == "success" and step <= QUICK_CHECKS:
            with torch.no_grad():
                going = watch.see(watch.model.logits(z), z, done + step)
            (z,), left = watch.keep(going, z), left.at(going)
            if not len(watch):
                break
        logits, loss, gradient = _look(watch.model, plan.loss, z, left.aim, steep=step < steps)
        gradient = watch.usable(gradient)
        left = left.after(z, loss, gradient, watch.goal.reached(logits) & judged)
        left = _seen(watch, left, logits, z, done + step) if judged else left
        if step in windows:
            left = left.adapted(watch.x, window=windows[step], share=plan.increase_share)
    return left.ascent


def _seen(watch: Watch, left: _Climbers, logits: Tensor, z: Tensor, step: int) -> _Climbers:
    going = watch.see(logits, z, step)
    watch.keep(going)
    return left.at(going)


def _look(
    model: Counted, loss: Loss, z: Tensor, aim: Goal, *, steep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, losses and gradients at ``z``; any gradients if they need not be ``steep``."""
    if steep:
        return value_and_gradient(model, loss, z, aim)
    with torch.no_grad():
        logits = model.logits(z)
        return logits, loss(logits, aim), z
