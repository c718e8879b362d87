"""Count what an attack asks of a model, image by image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.errors import RoadworthyError
from roadworthy.models.randomness import drawn, passes
from roadworthy.models.threads import all_threads
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Classifier, Need

Counts = NDArray[np.int64]


@dataclass(eq=False)
class _Tally:
    """What all views of one counted model count into; of no shape before the first call."""

    forwards: Counts = field(default_factory=lambda: np.zeros((), np.int64))
    backwards: Counts = field(default_factory=lambda: np.zeros((), np.int64))
    calls: int = 0

    def start(self, images: int) -> None:
        """Begin to count for a batch of ``images``, once."""
        if self.forwards.ndim == 0:
            self.forwards, self.backwards = np.zeros((2, images), np.int64)


@dataclass(frozen=True, eq=False)
class Counted:
    """A classifier that counts, per image of a batch, what is asked of it.

    The batch is that of the first call. ``forwards``, ``backwards`` and ``queries`` are int64 (N,),
    or a bare 0 before any call. A batch that repeats the images k times over (restarts, targets)
    counts k for each. Backward passes are counted when they happen, by a hook on the logits,
    however the attack takes its gradient. A random model draws anew at every call.
    """

    model: Classifier
    tally: _Tally = field(default_factory=_Tally)
    rows: Counts | None = None

    @property
    def id(self) -> str:
        """As the model's."""
        return self.model.id

    @property
    def pipeline(self) -> Pipeline:
        """As the model's."""
        return self.model.pipeline

    @property
    def classes(self) -> Classes:
        """As the model's."""
        return self.model.classes

    @property
    def gives(self) -> frozenset[Need]:
        """As the model's."""
        return self.model.gives

    @property
    def forwards(self) -> Counts:
        """Forward passes of each image."""
        return self.tally.forwards

    @property
    def backwards(self) -> Counts:
        """Gradients taken for each image."""
        return self.tally.backwards

    @property
    def queries(self) -> Counts:
        """Forward and backward passes together; for a black-box attack, its queries."""
        return np.asarray(self.tally.forwards + self.tally.backwards)

    def at(self, rows: Any, *, images: int | None = None) -> Counted:
        """Return a view that counts for the images ``rows`` of this one, into the same counts.

        ``rows`` are positions or a mask, as an array or tensor: an attack that goes on with the
        images still standing calls ``model.at(standing)``. Before the first call only a mask tells
        how many images there are; positions then need ``images``.
        """
        chosen = rows.cpu().numpy() if isinstance(rows, Tensor) else np.asarray(rows)
        if images is None and chosen.dtype == np.bool_ and self.rows is None:
            images = len(chosen)
        return replace(self, rows=self._rows(images)[chosen])

    def logits(self, x: Any) -> Any:
        """Return the model's logits of ``x``; raises RoadworthyError if ``x`` has other images."""
        rows = self._rows(len(x))
        if len(rows) == 0 or len(x) % len(rows):
            raise RoadworthyError(
                f"an attack asked {self.id} about {len(x)} images while it works on {len(rows)}; "
                "one that drops images must ask model.at(those left)"
            )
        model, tally = self._drawn(), self.tally
        times = len(x) // len(rows) * len(passes(model))
        np.add.at(tally.forwards, rows, times)
        with all_threads():
            out = model.logits(x)
        if isinstance(out, Tensor) and out.requires_grad:
            out.register_hook(  # type: ignore[no-untyped-call]
                lambda _: np.add.at(tally.backwards, rows, times)
            )
        return out

    def passes(self) -> tuple[Counted, ...]:
        """Return the single passes that logits are the mean of, each counted: itself, or draws."""
        return tuple(replace(self, model=one) for one in passes(self._drawn()))

    def _drawn(self) -> Classifier:
        self.tally.calls += 1
        model: Classifier = drawn(self.model, f"attack {self.tally.calls}")
        return model

    def _rows(self, images: int | None) -> Counts:
        if self.rows is not None:
            return self.rows
        if images is not None:
            self.tally.start(images)
        return np.arange(self.tally.forwards.size if self.tally.forwards.ndim else 0)
