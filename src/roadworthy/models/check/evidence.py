"""What all findings go by: real frames, their labels, and what the model says of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.labels import Relation
from roadworthy.engine.forward import finite, forward, to_input
from roadworthy.engine.options import Options
from roadworthy.engine.verdict import verdicts
from roadworthy.errors import RoadworthyError
from roadworthy.types import Classifier, Dataset, Image, Logits, Sample


class NotPossibleError(RoadworthyError):
    """A finding has nothing to go by; it becomes ``skipped`` with this reason."""


@dataclass(frozen=True)
class Evidence:
    """A model and what it says of a stratified prefix of the data.

    ``frames`` are the first of the usable images, uint8 (N, H, W, 3); ``logits`` of all of them, or
    None where the network does not run, with the reason in ``broken``. ``mismatch`` says why there
    is no ``relation``. ``varied`` counts images of another size than the first, for a model that
    has no size of its own; ``unreadable`` has the reason for each image that cannot be used.
    """

    model: Classifier
    name: str
    dataset: Dataset
    options: Options
    relation: Relation | None
    mismatch: str
    asked: int
    samples: tuple[Sample, ...]
    frames: Image
    logits: Logits | None
    broken: str
    unreadable: tuple[str, ...]
    varied: int
    seconds_to_read: float
    seconds_to_judge: float

    @property
    def outputs(self) -> Logits:
        """The logits (N, classes); raises NotPossibleError where the network does not run."""
        if self.logits is None:
            raise NotPossibleError("the network does not run on these images")
        return self.logits

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The label of each image as an output of the model, (N,); or NotPossibleError."""
        relation = self.relation
        if relation is None:
            raise NotPossibleError("the labels do not fit the outputs of the model")
        return np.array([relation.target_of(s.label) for s in self.samples], np.int32)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Which images the model is right on, (N,)."""
        return self.right_by(self.outputs)

    def right_by(self, logits: Logits) -> NDArray[np.bool_]:
        """Which of the first images ``logits`` are right on; where they are not finite, none."""
        good = finite(logits)
        plain = np.where(good[:, None], logits, np.float32(0.0))
        subset = self.relation.subset if self.relation else None
        columns = verdicts(plain, self.labels[: len(logits)], subset=subset)
        correct: NDArray[np.bool_] = columns["correct"] & good
        return correct

    def input(self, start: int, stop: int) -> Any:
        """Return kept frames as a float batch in [0, 1], on the device of the model."""
        return to_input(self.frames[start:stop], self.options.device)

    def judged(self, model: Classifier, start: int, stop: int, *, flip: bool = False) -> Logits:
        """Return the logits of kept frames by ``model``, with blue before red where ``flip``."""
        step = self.options.forward_batch
        parts = []
        for first in range(start, stop, step):
            x = self.input(first, min(first + step, stop))
            parts.append(forward(model, x.flip(1) if flip else x, name=self.name))
        return np.concatenate(parts)
