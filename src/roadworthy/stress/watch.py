"""The images an attack works on: which are left, who has reached the goal, and after which step."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Found:
    """What an attack found for each image of its batch.

    ``x`` (N, C, H, W) are the inputs; ``steps_used`` (N,) how many steps each image got and
    ``step_success`` (N,) after which it first reached the goal, `NEVER` (-1) if it did not, both None
    where the attack has no steps. ``broken_by`` names, in an attack made of several, the one that
    reached the goal; ``flags`` are warnings about the model.
    """

    x: Tensor
    steps_used: Tensor | None = None
    step_success: Tensor | None = None
    broken_by: tuple[str | None, ...] | None = None
    flags: tuple[str, ...] = ()


class Watch:
    """Follows an iterative attack; with ``stop="success"`` images leave it once they reach the goal.

    ``model``, ``x``, ``goal``, ``ball`` and ``rng`` are always those of the images left; ``rows`` are
    these images' positions in the whole batch.
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
    ) -> None:
        self._whole = model
        self.model, self.x, self.goal, self.ball, self.rng = model, x, goal, ball, rng
        self.stop = stop
        self.rows = torch.arange(len(x), device=x.device)
        self._found = x.clone()
        self._step_success = torch.full_like(self.rows, NEVER)
        self._steps_used = torch.zeros_like(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def see(self, logits: Tensor, z: Tensor, step: int) -> Tensor | None:
        """Note what ``logits`` of ``z`` say after ``step`` steps.

        Returns the mask of the images left that go on, or None if all do; those that do not are
        finished with ``z``. Hand the mask to `keep` with everything that is kept per image.
        """
        reached = self.goal.reached(logits)
        new = reached & (self._step_success[self.rows] == NEVER)
        self._step_success[self.rows[new]] = step
        self._steps_used[self.rows] = step
        if self.stop == "never" or not reached.any():
            return None
        self._found[self.rows[reached]] = z[reached]
        return ~reached

    def keep(self, going: Tensor | None, *state: Tensor) -> tuple[Tensor, ...]:
        """Leave the images that ``going`` (a mask, or None) drops; returns ``state`` of the others."""
        if going is None:
            return state
        self.rows = self.rows[going]
        if len(self.rows):  # a counted model has no view of nobody
            self.model = self._whole.at(self.rows, images=len(self._found))
        self.x, self.goal = self.x[going], self.goal.at(going)
        self.ball = None if self.ball is None else self.ball.at(going)
        self.rng = None if self.rng is None else self.rng.at(going)
        return tuple(tensor[going] for tensor in state)

    def finish(self, z: Tensor, steps: int) -> Found:
        """Return what was found, ``z`` being the last of the images left after all ``steps``."""
        self._found[self.rows] = z
        self._steps_used[self.rows] = steps
        return Found(self._found, self._steps_used, self._step_success)
