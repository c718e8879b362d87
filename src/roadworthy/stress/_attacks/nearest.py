"""The nearest adversarial image so far: what every search for the smallest change keeps."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import NEVER, Found

SURE = 32
"""By how many rounding errors of the logits a goal has to be reached: in a batch of another size
they come out slightly different, and what was found has to reach the goal there too."""


class Nearest:
    """Keeps, for each image, the nearest of all points seen whose logits reach the goal.

    ``distance`` (N,) is that point's in ``geometry``, infinite while there is none; ``steps_used`` (N,)
    counts the steps of each. An image that
    reaches the goal as it is stays as it is.
    """

    def __init__(self, x: Tensor, goal: Goal, geometry: Geometry) -> None:
        self.x, self.goal, self.geometry = x, goal, geometry
        self.distance = x.new_full(x.shape[:1], float("inf"))
        self._best = x.clone()
        self._step_success = torch.full((len(x),), NEVER, device=x.device)
        self.steps_used = torch.zeros_like(self._step_success)

    def see(
        self,
        logits: Tensor,
        z: Tensor,
        step: int | Tensor,
        *,
        rows: Tensor | None = None,
        confidence: float = 0.0,
    ) -> Tensor:
        """Note what ``logits`` of ``z`` say after ``step`` steps; return who reaches the goal, (N,).

        ``rows`` (indices) are the images that these are, all by default; ``step`` may be one for
        each. A ``confidence`` asks for that much of a margin between the logits.
        """
        goal = self.goal if rows is None else self.goal.at(rows)
        at: Tensor | slice = slice(None) if rows is None else rows  # a slice copies nothing
        sure = SURE * torch.finfo(logits.dtype).eps * logits.abs().amax(1)
        reached = goal.reached(logits) & (margin(logits, goal) > sure.clamp_min(confidence))
        distance = self.geometry.size(z - self.x[at])
        nearer = reached & (distance < self.distance[at])
        self.distance[at] = torch.where(nearer, distance, self.distance[at]).to(self.distance)
        self._best[at] = torch.where(expanded(nearer, z), z, self._best[at])
        first = reached & (self._step_success[at] == NEVER)
        steps = torch.as_tensor(step, device=z.device).expand(len(z))
        self._step_success[at] = torch.where(first, steps, self._step_success[at])
        self.steps_used[at] = steps
        return reached

    def found(self) -> Found:
        """Return the nearest points, and the images themselves where there is none."""
        return Found(self._best, self.steps_used, self._step_success)


def furthest(x: Tensor, geometry: Geometry) -> Tensor:
    """Return how far from each image the furthest point of the box is, (N,)."""
    return geometry.size(torch.maximum(x, 1.0 - x))
