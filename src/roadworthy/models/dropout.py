"""Input dropout: a model that sees a random part of the pixels, when trained and when judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator, Philox
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.models.classifier import checked, resized
from roadworthy.models.expectation import JUDGED
from roadworthy.models.statistics import mean_of
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Metadata, Need

MOST = 1000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class InputDropout:
    """One model, ``members``, that sees each pixel with the probability ``keep``.

    Its logits are the mean over ``samples`` draws; ``key`` says which draws.
    """

    members: tuple[Classifier]
    keep: float
    samples: int
    pipeline: Pipeline
    key: str = JUDGED
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model, how much it sees and the number of draws."""
        covered = digest(self.members[0].id, repr(self.keep), self.samples, size=8)
        return f"input_dropout/{self.keep:g}-{self.samples}@{covered}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """What the model gives: pixels that are seen pass gradients on."""
        return self.members[0].gives

    def draw(self, key: str) -> InputDropout:
        """Return the same with other draws, those of ``key``."""
        return replace(self, key=key)

    def logits(self, x: Tensor) -> Tensor:
        """Return the mean logits (N, classes) of ``x``, float (N, 3, H, W) in [0, 1].

        Pixels that are dropped, all channels at once, have the colour that the model's normalisation
        makes 0; nothing is rescaled. What an image loses depends on its pixels and the key alone, so
        that it gets the same answer in any batch.
        """
        x = resized(checked(x), self.pipeline.size)
        model, colour = self.members[0], torch.tensor(mean_of(self.members[0])).to(x)
        sources = [_source(self.key, image) for image in x.detach()]
        total: Tensor | None = None
        for _ in range(self.samples):
            seen = np.stack([source.random(tuple(x.shape[2:])) for source in sources]) < self.keep
            kept = torch.from_numpy(seen).to(x.device)[:, None]
            logits = model.logits(torch.where(kept, x, colour.view(1, -1, 1, 1)))
            total = logits if total is None else total + logits
        assert total is not None
        return total / self.samples


def input_dropped(model: Classifier, keep: float, samples: int) -> InputDropout:
    """Return ``model`` with input dropout; raises UsageError for parameters that mean nothing."""
    if not 0 < keep <= 1:
        raise UsageError(
            f"input_dropout: keep is the probability that a pixel is seen, above 0 up to 1, not {keep}"
        )
    if not 1 <= samples <= MOST:
        raise UsageError(
            f"input_dropout: samples is how many draws are averaged, 1 to {MOST}, not {samples}"
        )
    return InputDropout(
        members=(model,),
        keep=keep,
        samples=samples,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )


def _source(key: str, image: Tensor) -> Generator:
    pixels = image.to("cpu", torch.float32).contiguous().numpy().tobytes()
    return Generator(Philox(key=int(digest("input_dropout", key, pixels), 16)))
