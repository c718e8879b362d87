"""Asking a model for decisions alone, within a budget: what every decision-based attack keeps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.queries import Clock
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.query_marks import QUERY_MARKS
from roadworthy.stress.watch import NEVER, Found

AT_ONCE = 256
"""Images of one forward pass, fewer where they are so large that they would fill the memory."""

PIXELS_AT_ONCE = 64 * 224 * 224

PUSH = 1e-4
"""By what share of its length the nearest change is lengthened in the end: it ends on the boundary
itself, where the rounding errors of a batch of another size decide."""


@dataclass(frozen=True)
class Some:
    """Some of the images: themselves, (n, C, H, W), what is wanted of them and who is asked about them."""

    x: Tensor
    goal: Goal
    model: Counted


class Decisions:
    """Asks whether points reach the goal, counts every image's queries, and keeps the nearest point.

    Of the budget of ``queries`` an image's search gets all but one, which the final look at what was
    found takes. ``distance`` (N,) is that of the nearest point in ``geometry``, infinite while there
    is none and 0 where the image reaches the goal as it is. What a search asks does not depend on
    its budget: a smaller one ends it earlier. Images whose change is at most ``stop``, a number or one
    of each image (N,), have ended, and all have once ``seconds`` are over.
    """

    def __init__(
        self,
        model: Counted,
        x: Tensor,
        goal: Goal,
        geometry: Geometry,
        *,
        queries: int,
        stop: float | Tensor = 0.0,
        seconds: float | None = None,
    ) -> None:
        # Noise is drawn channel by channel; mixing it with another layout would take longer.
        self.x, self.goal, self.geometry = x.contiguous(), goal, geometry
        self._model, self._queries, self._layout = model, queries, x
        # What is found is moved away a little in the end: it is to be near enough then.
        self._enough = torch.as_tensor(stop).to(x).expand(len(x)) / (1 + PUSH)
        self._nearest, self._clock = self.x.clone(), Clock(seconds)
        self.distance = x.new_full(x.shape[:1], float("inf"))
        self._spent = torch.ones(len(x), dtype=torch.long, device=x.device)
        self._first = torch.full_like(self._spent, NEVER)
        self._marks = torch.tensor([m for m in QUERY_MARKS if m <= queries], device=x.device)
        self._after = x.new_full((len(x), len(self._marks)), float("nan"))
        self._at: tuple[Tensor, Some] | None = None

    @property
    def at_once(self) -> int:
        """How many images a forward pass takes."""
        return max(1, min(AT_ONCE, PIXELS_AT_ONCE // (self.x.shape[-2] * self.x.shape[-1])))

    def begin(self) -> Tensor:
        """Return the images there is something to do for, indices; asks only if the goal is silent."""
        clean, everyone = self.goal.clean, torch.arange(len(self.x), device=self.x.device)
        if clean is None:
            with torch.no_grad():
                clean = self._model.logits(self.x)
            self._spent += 1
        done = self.goal.reached(clean)
        self.distance[done] = 0.0
        self._first[done] = 0
        return everyone[~done & self.x.isfinite().flatten(1).all(1)]

    def at(self, rows: Tensor) -> Some:
        """Return the images ``rows``; searches ask about the same ones often, one after another."""
        if self._at is None or self._at[0] is not rows:
            model = self._model.at(rows, images=len(self.x))
            self._at = rows, Some(self.x[rows], self.goal.at(rows), model)
        return self._at[1]

    @property
    def over(self) -> bool:
        """Whether the time has come to which images may go on."""
        return self._clock.over

    def goes_on(self, rows: Tensor, count: int = 1) -> Tensor:
        """Return which of ``rows`` may ask ``count`` times more and are not near enough yet, (n,)."""
        if self.over:
            return torch.zeros_like(rows, dtype=torch.bool)
        far = self.distance[rows] > self._enough[rows]
        return far & (self._spent[rows] + count <= self._queries)

    def able(self, rows: Tensor, count: int = 1) -> Tensor:
        """Return those of ``rows`` that go on."""
        return rows[self.goes_on(rows, count)]

    def size(self, rows: Tensor, z: Tensor) -> Tensor:
        """Return how far points ``z`` (n, C, H, W) are from the images ``rows``, (n,)."""
        return self.geometry.size(z - self.at(rows).x)

    def ask(self, rows: Tensor, z: Tensor) -> Tensor:
        """Return whether points ``z`` of the images ``rows`` reach the goal, (n,); one query each."""
        reached = self._decided_in_pieces(rows, z)
        distance = self.size(rows, z)
        nearer = reached & (distance < self.distance[rows])
        better = rows[nearer]
        self.distance[better], self._nearest[better] = distance[nearer], z[nearer]
        first = rows[nearer & (self._first[rows] == NEVER)]
        self._first[first] = self._spent[first]
        self._spend(rows, 1)
        return reached

    def ask_about(self, rows: Tensor, points: Tensor) -> Tensor:
        """Return whether ``points`` (m, n, C, H, W) reach the goal, (m, n); m queries of each image.

        All are asked in one forward pass. None of them counts as found.
        """
        reached = self._decided(rows, points)
        self._spend(rows, len(points))
        return reached

    def found(self) -> Found:
        """Return the nearest points, a little further away where they still reach the goal there."""
        rows = ((self._first != NEVER) & (self.distance > 0)).nonzero().squeeze(1)
        steps = self._spent - 1
        if len(rows):
            x = self.x[rows]
            pushed = (x + (1 + PUSH) * (self._nearest[rows] - x)).clamp_(0.0, 1.0)
            held = self._decided_in_pieces(rows, pushed)
            self._nearest[rows] = torch.where(expanded(held, x), pushed, self._nearest[rows])
        after = torch.where(self._after.isnan(), self.distance[:, None], self._after)
        nearest = torch.empty_like(self._layout).copy_(self._nearest)
        return Found(nearest, steps, self._first, nearest_after=after)

    def _decided(self, rows: Tensor, points: Tensor) -> Tensor:
        some, times = self.at(rows), len(points)
        with torch.no_grad():
            logits = some.model.logits(points.flatten(0, 1))
        goal = some.goal.repeated(times)
        return goal.reached(logits).view(times, len(rows))

    def _decided_in_pieces(self, rows: Tensor, z: Tensor) -> Tensor:
        if len(rows) <= self.at_once:
            return self._decided(rows, z[None])[0]
        pieces = zip(torch.split(rows, self.at_once), torch.split(z, self.at_once), strict=True)
        return torch.cat([self._decided(r, points[None])[0] for r, points in pieces])

    def _spend(self, rows: Tensor, count: int) -> None:
        before = self._spent[rows]
        self._spent[rows] = before + count
        passed = (before[:, None] < self._marks) & (before[:, None] + count >= self._marks)
        if passed.any():
            which, mark = passed.nonzero(as_tuple=True)
            self._after[rows[which], mark] = self.distance[rows[which]]
