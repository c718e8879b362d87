"""The smallest change that any of several attacks, or of several attempts, reached the goal with."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress._norms import Geometry
from roadworthy.stress.watch import Found


class Smallest:
    """Keeps, for each image, the smallest change so far that reached the goal; else the image.

    ``steps_used`` (N,) adds up the steps of all attempts; of flags, those of all are kept.
    """

    def __init__(self, x: Tensor, geometry: Geometry) -> None:
        self._clean, self._geometry = x, geometry
        self._x, self._size = x.clone(), torch.full_like(x[:, 0, 0, 0], torch.inf)
        self.steps_used = torch.zeros(len(x), dtype=torch.long, device=x.device)
        self._flags: dict[str, None] = {}
        self._nan_gradient: Tensor | None = None

    def take(self, rows: Tensor, found: Found, reached: Tensor) -> Tensor:
        """Keep what was ``found`` for the images ``rows`` where it ``reached`` the goal and is smaller.

        Returns where that is, a mask of these images; of equal changes the first stays.
        """
        size = self._geometry.size(found.x - self._clean[rows])
        smaller = reached & (size < self._size[rows])
        self._size[rows[smaller]] = size[smaller]
        self._x[rows[smaller]] = found.x[smaller]
        if found.steps_used is not None:
            self.steps_used[rows] += found.steps_used
        self._flags |= dict.fromkeys(found.flags)
        if found.nan_gradient is not None:
            if self._nan_gradient is None:
                self._nan_gradient = torch.zeros_like(self.steps_used, dtype=torch.bool)
            self._nan_gradient[rows] |= found.nan_gradient
        return smaller

    @property
    def found(self) -> Found:
        """What all of them found."""
        return Found(
            self._x,
            self.steps_used,
            flags=tuple(self._flags),
            nan_gradient=self._nan_gradient,
        )
