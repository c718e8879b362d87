"""What an attack is after: predictions that leave the label, or that reach a target."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Goal:
    """The labels (N,) that predictions should leave, or the ``targets`` (N,) they should reach.

    Both are indices into the classifier's outputs. ``clean`` are the logits (N, classes) of the
    unchanged images, from which attacks with several targets take the ranks of the classes.
    """

    labels: Tensor
    targets: Tensor | None = None
    clean: Tensor | None = None

    def reached(self, logits: Tensor) -> Tensor:
        """Return for which samples ``logits`` (N, classes) reach the goal, (N,); NaN never does."""
        predicted = logits.argmax(dim=1)
        done = predicted != self.labels if self.targets is None else predicted == self.targets
        return done & logits.isfinite().all(dim=1)

    def at(self, rows: Tensor) -> Goal:
        """Return the goal of the samples ``rows``, indices or a mask."""
        return Goal(*(None if v is None else v[rows] for v in self._fields()))  # type: ignore[arg-type]

    def towards(self, targets: Tensor) -> Goal:
        """Return the same with ``targets`` (N,) to reach."""
        return replace(self, targets=targets)

    def repeated(self, times: int) -> Goal:
        """Return the goal of the whole batch repeated ``times`` times, one copy after the other."""
        if times == 1:
            return self
        return Goal(
            *(
                None if v is None else v.repeat(times, *([1] * (v.ndim - 1)))  # type: ignore[arg-type]
                for v in self._fields()
            )
        )

    def ranked(self, rank: int) -> Tensor:
        """Return each sample's class at ``rank`` of its clean logits, 0 being the largest, (N,).

        The label does not count as a rank: rank 1 is always the most likely of the other classes.
        """
        if self.clean is None:
            raise ValueError("the goal has no clean logits")
        others = self.clean.scatter(1, self.labels[:, None], float("inf"))
        return others.argsort(dim=1, descending=True, stable=True)[:, rank]

    def _fields(self) -> tuple[Tensor | None, ...]:
        return self.labels, self.targets, self.clean
