"""The images an attack works on: which are left, who has reached the goal, and after which step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal

Stop = Literal["never", "success"]
NEVER = -1
TOGETHER = 16
"""Steps of an attack that never stops which are looked at together; one by one takes longer."""


@dataclass(frozen=True)
class Found:
    """What an attack found for each image of its batch.

    ``x`` (N, C, H, W) are the inputs; ``steps_used`` (N,) how many steps each image got and
    ``step_success`` (N,) after which it first reached the goal, `NEVER` (-1) if it did not, both None
    where the attack has no steps. ``broken_by`` names, in an attack made of several, the one that
    reached the goal; ``flags`` are warnings about the model. ``nan_gradient`` (N,) says which images
    had a gradient that is not finite, None where the attack did not look. ``nearest_after`` (N, M) is
    the smallest change found within each of the M `QUERY_MARKS` up to the attack's budget, in its
    norm, infinite where there was none; None where it did not note that.
    """

    x: Tensor
    steps_used: Tensor | None = None
    step_success: Tensor | None = None
    broken_by: tuple[str | None, ...] | None = None
    flags: tuple[str, ...] = ()
    nan_gradient: Tensor | None = None
    nearest_after: Tensor | None = None

    @property
    def first_step(self) -> Tensor:
        """After which step each image first reached the goal, if it did, (N,); 0 without steps.

        What an attack has not seen itself, it did with its last step.
        """
        used = self.steps_used
        if used is None:
            used = torch.zeros(len(self.x), dtype=torch.long, device=self.x.device)
        first = used if self.step_success is None else self.step_success
        return torch.where(first == NEVER, used, first)


class Watch:
    """Follows an iterative attack; with ``stop="success"`` images leave it once they reach the goal.

    ``model``, ``x``, ``goal``, ``ball`` and ``rng`` are always those of the images left; ``rows`` are
    these images' positions in the whole batch. With ``at_once`` only so many are worked on at a time:
    the others wait until `top_up` takes them in.
    """

    def __init__(
        self,
        model: Counted,
        x: Tensor,
        goal: Goal,
        ball: Ball | None,
        *,
        stop: Stop,
        rng: BatchDraws | None = None,
        at_once: int | None = None,
    ) -> None:
        self.stop = stop
        self.rows = torch.arange(len(x), device=x.device)
        # Several questions about every image may come first, which do not tell how many there are.
        model = model.at(self.rows, images=len(x)) if len(x) else model
        self._whole = model, x, goal, ball, rng
        self.model, self.x, self.goal, self.ball, self.rng = model, x, goal, ball, rng
        self._found = x.clone()
        self._step_success = torch.full_like(self.rows, NEVER)
        self._steps_used = torch.zeros_like(self.rows)
        self._nan_gradient: Tensor | None = None
        self._unseen: list[tuple[Tensor, int | Tensor]] = []
        self._at_once = len(x) if at_once is None else at_once
        self._begun = min(len(x), self._at_once)
        if self._begun < len(x):
            self._take(self.rows[: self._begun])

    def __len__(self) -> int:
        return len(self.rows)

    def see(self, logits: Tensor, z: Tensor, step: int | Tensor) -> Tensor | None:
        """Note what ``logits`` of ``z`` say after ``step`` steps, a number or one of each image left.

        Returns the mask of the images left that go on, or None if all do; those that do not are
        finished with ``z``. Hand the mask to `keep` with everything that is kept per image.
        """
        reached = self.goal.reached(logits)
        self._steps_used[self.rows] = torch.as_tensor(step, device=self.rows.device)
        self._note(reached)
        if self.stop == "never" or not reached.any():
            return None
        return self._leave(reached, z)

    def see_later(self, logits: Tensor, step: int | Tensor) -> None:
        """Note what ``logits`` say as `see` does, but several steps together: for attacks that never stop.

        Neither argument may be written to afterwards.
        """
        self._unseen.append((logits, step))
        if len(self._unseen) == TOGETHER:
            self._catch_up()

    def look(self, z: Tensor, among: Tensor, step: int) -> Tensor | None:
        """Ask the model about the images ``among`` (a mask) by a forward pass alone, then as `see`."""
        chosen = among.nonzero().squeeze(1)
        if not len(chosen):
            return None
        model = self._whole[0].at(self.rows[chosen], images=len(self._found))
        with torch.no_grad():
            logits = model.logits(z if len(chosen) == len(z) else z[chosen])
        reached = torch.zeros_like(among)
        reached[chosen] = self.goal.at(chosen).reached(logits)
        self._steps_used[self.rows[chosen]] = step
        self._note(reached)
        return self._leave(reached, z) if self.stop == "success" else None

    def end(self, ended: Tensor, z: Tensor, step: int) -> Tensor | None:
        """Finish the images ``ended`` (a mask) with ``z`` after ``step`` steps, unseen; then as `see`."""
        if not ended.any():
            return None
        self._catch_up()
        self._steps_used[self.rows[ended]] = step
        return self._leave(ended, z)

    def keep(self, going: Tensor | None, *state: Tensor) -> tuple[Tensor, ...]:
        """Leave the images that ``going`` (a mask, or None) drops; returns ``state`` of the others."""
        if going is None:
            return state
        self._catch_up()
        self.rows = self.rows[going]
        if len(self.rows):  # a counted model has no view of nobody
            self.model = self._whole[0].at(self.rows, images=len(self._found))
        self.x, self.goal = self.x[going], self.goal.at(going)
        self.ball = None if self.ball is None else self.ball.at(going)
        self.rng = None if self.rng is None else self.rng.at(going)
        return tuple(tensor[going] for tensor in state)

    def top_up(self, begin: tuple[Tensor, ...], *state: Tensor) -> tuple[Tensor, ...]:
        """Take in images that wait, once a quarter of the places is free; returns ``state`` with them.

        The last ones come once there is room for all of them: those that begin late are alone in the
        end. ``begin`` is what is kept per image, for the whole batch and before the first step.
        """
        free, left = self._at_once - len(self.rows), len(self._found) - self._begun
        if left == 0 or free < min(left, self._at_once / 4):
            return state
        waiting = torch.arange(self._begun, len(self._found), device=self.rows.device)[:free]
        self._begun += len(waiting)
        self._take(torch.cat([self.rows, waiting]))
        return tuple(torch.cat([s, b[waiting]]) for s, b in zip(state, begin, strict=True))

    def usable(self, gradient: Tensor) -> Tensor:
        """Return ``gradient``, 0 for images where it is not finite; these are noted."""
        if self._nan_gradient is None:
            self._nan_gradient = torch.zeros(
                len(self._found), dtype=torch.bool, device=gradient.device
            )
        if math.isfinite(float(gradient.sum())):  # all of them, as nearly always
            return gradient
        finite = gradient.sum(dim=(1, 2, 3)).isfinite()
        self._nan_gradient[self.rows] |= ~finite
        return torch.where(finite.view(-1, 1, 1, 1), gradient, 0.0)

    def finish(self, z: Tensor, steps: int | Tensor) -> Found:
        """Return what was found, ``z`` being the last of the images left after their ``steps``."""
        self._catch_up()
        self._found[self.rows] = z
        self._steps_used[self.rows] = steps
        return Found(
            self._found,
            self._steps_used,
            self._step_success,
            nan_gradient=self._nan_gradient,
        )

    def _note(self, reached: Tensor) -> None:
        known = self._step_success[self.rows]
        new = reached & (known == NEVER)
        self._step_success[self.rows] = torch.where(new, self._steps_used[self.rows], known)

    def _catch_up(self) -> None:
        """Note what those logits say that wait for it."""
        if not self._unseen:
            return
        logits, steps = zip(*self._unseen, strict=True)
        self._unseen = []
        reached = self.goal.repeated(len(steps)).reached(torch.cat(logits)).view(len(steps), -1)
        when = torch.stack([torch.as_tensor(s).to(self.rows).expand_as(self.rows) for s in steps])
        first = (reached.cumsum(0) == 0).sum(0, keepdim=True).clamp_max(len(steps) - 1)
        known = self._step_success[self.rows]
        new = reached.any(0) & (known == NEVER)
        self._step_success[self.rows] = torch.where(new, when.gather(0, first)[0], known)
        self._steps_used[self.rows] = when[-1]

    def _leave(self, leaving: Tensor, z: Tensor) -> Tensor:
        self._found[self.rows[leaving]] = z[leaving]
        return ~leaving

    def _take(self, rows: Tensor) -> None:
        model, x, goal, ball, rng = self._whole
        self.rows, self.model = rows, model.at(rows, images=len(x))
        self.x, self.goal = x[rows], goal.at(rows)
        self.ball = None if ball is None else ball.at(rows)
        self.rng = None if rng is None else rng.at(rows)
