"""Randomised smoothing: the class that a model names most often under Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator, Philox
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.models.classifier import checked
from roadworthy.models.expectation import JUDGED
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.stress._noise.bits import random_normals, stream
from roadworthy.types import Classes, Classifier, Metadata, Need

ATTACKED = "attacked"
"""The key of the noise that every attack sees."""

MOST = 1_000_000
AT_ONCE = 64
"""Noisy images in one forward pass, where a batch holds fewer: what they take is memory."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Smoothed:
    """The vote of one model, ``members``, over ``draws`` noises of size ``sigma``; ``key`` says which."""

    members: tuple[Classifier]
    sigma: float
    draws: int
    pipeline: Pipeline
    key: str = JUDGED
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model, the size of the noise and the number of draws."""
        covered = digest(self.members[0].id, repr(self.sigma), self.draws, size=8)
        return f"smoothed/{self.sigma:g}-{self.draws}@{covered}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """Shares of votes; they change in steps, so that there is no gradient."""
        return frozenset({Need.PROBABILITIES, Need.LABELS})

    def draw(self, _key: str) -> Smoothed:
        """Return the same with the noise that attacks see, which is not that of the judge.

        It is one for all queries: how many there were before depends on the other images.
        """
        return replace(self, key=ATTACKED)

    def logits(self, x: Tensor) -> Tensor:
        """Return logarithms of the shares of votes (N, classes), without a graph.

        An image's noise depends on its pixels and on nothing else: the same image gets the same
        votes in any batch. Answers that are not finite are votes for nobody; NaN where all are.
        """
        x, model = checked(x), self.members[0]
        noise = [stream(_keyed(self.key, image)) for image in x.detach()]
        with torch.no_grad():
            counts = votes(model.logits, x, noise, sigma=self.sigma, draws=self.draws)
        cast = counts.sum(1, keepdim=True)
        kind = x.dtype if x.dtype == torch.float64 else torch.float32
        shares = counts.to(kind) / cast
        return shares.clamp_min(torch.finfo(kind).tiny).log()


def votes(
    ask: Callable[[Tensor], Tensor],
    x: Tensor,
    noise: Sequence[Generator],
    *,
    sigma: float,
    draws: int,
) -> Tensor:
    """Return how often ``ask`` names each class for each image plus Gaussian noise, (N, classes).

    ``x`` is (N, C, H, W) in [0, 1]; ``noise`` has a source for each image that goes on from where it
    is. ``sigma`` is its standard deviation in the units of ``x``; noisy images are not clipped.
    ``ask`` gives logits (k N, classes) of the batch repeated k times over; answers that are not
    finite do not count.
    """
    shape, device = tuple(x.shape[1:]), x.device
    together = max(1, AT_ONCE // max(1, len(x)))
    counts: Tensor | None = None
    for begin in range(0, draws, together):
        times = min(together, draws - begin)
        drawn = np.empty((times, len(x), *shape), np.float32)
        for turn in range(times):
            drawn[turn] = random_normals(noise, *shape)
        logits = ask(torch.from_numpy(drawn).to(x).mul_(sigma).add_(x).flatten(0, 1))
        named = logits.argmax(1).view(times, len(x)).T
        counted = logits.isfinite().all(1).view(times, len(x)).T
        if counts is None:
            counts = torch.zeros(len(x), logits.shape[1], dtype=torch.long, device=device)
        counts.scatter_add_(1, named, counted.long())
    assert counts is not None
    return counts


def smoothed_by(model: Classifier, sigma: float, draws: int) -> Smoothed:
    """Return ``model`` smoothed; raises UsageError for parameters that mean nothing."""
    check_noise("smoothed", sigma, draws)
    return Smoothed(
        members=(model,),
        sigma=sigma,
        draws=draws,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )


def check_noise(name: str, sigma: float, draws: int) -> None:
    """Refuse sizes and numbers of noises that mean nothing."""
    if not 0 < sigma < float("inf"):
        raise UsageError(
            f"{name}: sigma is the standard deviation of the noise, pixels in 0 to 1, larger than 0, "
            f"not {sigma}"
        )
    if not 1 <= draws <= MOST:
        raise UsageError(f"{name}: draws is how many noises vote, 1 to {MOST}, not {draws}")


def _keyed(key: str, image: Tensor) -> Generator:
    pixels = image.to("cpu", torch.float32).contiguous().numpy().tobytes()
    number = int(digest("smoothed", key, pixels), 16)
    return Generator(Philox(key=number))
