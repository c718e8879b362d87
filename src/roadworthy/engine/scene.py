"""The images of a batch that a model ranks, and how a model is shown parts of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.engine.neighbours import another
from roadworthy.engine.plan import Cell
from roadworthy.engine.taps import Batch, Context
from roadworthy.errors import SampleError
from roadworthy.models.randomness import drawn
from roadworthy.models.statistics import mean_of
from roadworthy.seed import rng_for
from roadworthy.spec import Spec
from roadworthy.stress import masks
from roadworthy.stress.masks.base import MaskContext, Shown
from roadworthy.stress.ranking import Aim
from roadworthy.types import Classifier, Sample

DRAW = "ranking"
"""The key of the draws of a random model while it ranks: one for all steps, and not the judge's."""


@dataclass(frozen=True)
class Scene:
    """Some images of a batch in the cell of the model that ranks them.

    ``x`` are all images of the batch, ``rows`` (N,) the positions of those that are ranked.
    """

    own: Cell
    batch: Batch
    x: Tensor
    rows: NDArray[np.int64]
    context: Context

    @cached_property
    def samples(self) -> list[Sample]:
        """The images as the data set knows them."""
        return [self.batch.samples[i] for i in self.rows.tolist()]

    @cached_property
    def names(self) -> list[str]:
        """The names of the images."""
        return [sample.id for sample in self.samples]

    @cached_property
    def images(self) -> Tensor:
        """The images themselves, (N, C, H, W)."""
        return self.x[torch.from_numpy(self.rows).to(self.x.device)]

    def at(self, places: NDArray[np.int64]) -> Scene:
        """Return some of the images that are ranked, by their places among these."""
        return replace(self, rows=self.rows[places])

    def covered(self, mask: Spec) -> dict[int, str]:
        """Return of which images, by their places, there is nothing that covers pixels, and why."""
        if not len(self.rows):
            return {}
        try:
            self.shown(mask, self.own.classifier)
        except SampleError:
            missing = {}
            for place in range(len(self.rows)):
                try:
                    self.at(np.array([place])).shown(mask, self.own.classifier)
                except SampleError as error:
                    missing[place] = str(error)
            return missing
        return {}

    def shown(self, mask: Spec, model: Classifier) -> Shown:
        """Return the images as ``model`` sees parts of them; the mean colour is the maker's."""
        own, context = self.own, self.context
        known = MaskContext(
            torch.tensor(mean_of(own.judge.model)),
            lambda: another(own, self.samples, seed=context.seed, device=context.device).to(self.x),
        )
        return masks.one(mask).shown(
            model, self.images, known, samples=self.names, seed=context.seed
        )


def aims(aim: Aim, batch: Batch, seed: int) -> NDArray[np.int64]:
    """Return the class of each image that confidence is in, (N,): as predicted, or a random other.

    By what the judge of the batch says of the whole images.
    """
    predicted: NDArray[np.int64] = batch.clean.argmax(1)
    if aim == "predicted":
        return predicted
    count = batch.clean.shape[1]
    others = max(1, count - 1)  # a model of one class has no other
    names = [sample.id for sample in batch.samples]
    chosen = [rng_for(seed, "random_class", 1, name, "").integers(others) for name in names]
    other = np.array(chosen, np.int64).reshape(-1)
    found: NDArray[np.int64] = np.minimum(other + (other >= predicted), count - 1)
    return found


def drawing(own: Cell) -> Classifier:
    """Return the model that ranks; a random one with draws that are the same at every step."""
    model: Classifier = drawn(own.classifier, DRAW)
    return model
