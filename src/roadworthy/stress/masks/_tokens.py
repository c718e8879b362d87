"""A vision transformer that is shown some of its tokens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.counted import Counted
from roadworthy.stress.masks._transformers import Selectable, selectable
from roadworthy.stress.masks.base import Loss
from roadworthy.types import Classes, Classifier, Need

CLOSE = 1e-3
"""Largest difference of logits, relative to their length, that counts as rounding."""


@dataclass(frozen=True)
class Tokens:
    """A batch ``x`` (N, C, H, W) in [0, 1] of which a transformer gets some patches as tokens.

    ``network`` is the model with ``part.selecting`` in it.
    """

    model: Classifier
    network: Classifier
    part: Selectable
    x: Tensor

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.x.shape[2], self.x.shape[3]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.part.grid

    def at(self, rows: Tensor) -> Tokens:
        """Return the images ``rows``, indices, each as often as it is named."""
        network = self.network
        if isinstance(network, Counted):
            network = network.at(rows, images=len(self.x))
        return replace(self, network=network, x=self.x[rows])

    def logits(self, kept: Tensor) -> Tensor:
        """Return logits (N, classes) of the tokens that are kept, without a graph."""
        with torch.no_grad():
            return self._logits(kept.flatten(1))

    def effects(self, kept: Tensor, loss: Loss, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and what fading each token out would change in the loss, to first order."""
        flat = kept.flatten(1)
        with torch.enable_grad():
            gates = torch.ones(flat.shape, dtype=self.x.dtype, device=self.x.device)
            gates.requires_grad_()
            logits = self._logits(flat, gates)
            (gradient,) = torch.autograd.grad(loss(logits, classes).sum(), gates)
        return logits.detach(), gradient.neg().view(kept.shape)

    def view(self, kept: Tensor) -> tuple[Tensor, Classifier]:
        """Return the whole images and the model that leaves tokens of them out."""
        return self.x, _Shortened(self, kept)

    def _logits(self, kept: Tensor, gates: Tensor | None = None) -> Tensor:
        """Ask about images that keep the same number of tokens together."""
        counts = kept.sum(1)
        found: Tensor | None = None
        for count in sorted(set(counts.tolist())):
            rows = (counts == count).nonzero().squeeze(1)
            everyone = len(rows) == len(kept)
            some = self if everyone else self.at(rows)
            logits = some._asked(kept[rows], None if gates is None else gates[rows])
            if everyone:
                return logits
            if found is None:
                found = logits.new_zeros(len(kept), logits.shape[1])
            found = found.index_put((rows,), logits)
        assert found is not None
        return found

    def _asked(self, kept: Tensor, gates: Tensor | None) -> Tensor:
        """Return the logits of images that keep the same number of tokens."""
        classes = self.model.classes.count
        if self.part.mute and classes is not None and not bool(kept.any()):
            return self.x.new_zeros(len(kept), classes)
        chosen = self.part.selecting.chosen
        chosen.kept, chosen.gates = kept, gates
        try:
            logits: Tensor = self.network.logits(self.x)
        finally:
            chosen.kept = chosen.gates = None
        return logits


@dataclass(frozen=True)
class _Shortened:
    """The model as it sees the tokens ``kept`` of one batch."""

    tokens: Tokens
    kept: Tensor

    @property
    def id(self) -> str:
        """As the model's."""
        return self.tokens.model.id

    @property
    def pipeline(self) -> Any:
        """As the model's."""
        return self.tokens.model.pipeline

    @property
    def classes(self) -> Classes:
        """As the model's."""
        return self.tokens.model.classes

    @property
    def gives(self) -> frozenset[Need]:
        """As the model's."""
        return self.tokens.model.gives

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of the batch with the tokens that were kept of it."""
        return replace(self.tokens, x=x)._logits(self.kept.flatten(1))


def tokens_of(model: Classifier, x: Tensor) -> Tokens:
    """Return ``x`` as the transformer ``model`` sees tokens of it."""
    part, inner = part_of(model), model.model if isinstance(model, Counted) else model
    assert isinstance(inner, TorchClassifier)
    changed: Classifier = replace(inner, module=part.module)
    if isinstance(model, Counted):
        changed = replace(model, model=changed)
    return Tokens(model, changed, part, x)


def part_of(model: Classifier) -> Selectable:
    """Return the network of the transformer ``model`` with a place to choose tokens."""
    inner = model.model if isinstance(model, Counted) else model
    assert isinstance(inner, TorchClassifier)
    part = selectable(inner.module, inner.pipeline.size)
    assert part is not None
    return part


_ASKED: WeakKeyDictionary[TorchClassifier, bool] = WeakKeyDictionary()
"""What networks that are still there were found to be: asking one takes two passes."""


def transforms(model: Classifier) -> bool:
    """Whether ``model`` is a transformer whose tokens can be left out: found out by asking it, once.

    Given all tokens it must say what it says by itself, and it must be given one for each patch.
    """
    if not isinstance(model, TorchClassifier):
        return False
    if model not in _ASKED:
        _ASKED[model] = _transforms(model)
    return _ASKED[model]


def _transforms(model: TorchClassifier) -> bool:
    if selectable(model.module, None) is None:
        return False
    size = model.pipeline.size
    if size is None:
        return False
    generator = torch.Generator().manual_seed(0)
    parameter = next(model.module.parameters(), torch.zeros(()))
    x = torch.rand(1, 3, *size, generator=generator).to(parameter.device)
    tokens = tokens_of(model, x)
    height, width = tokens.grid
    with suppress(Exception), torch.no_grad():  # that a network does not run is said when it must
        wanted = model.logits(x)
        logits = tokens.logits(torch.ones(1, height, width, dtype=torch.bool, device=x.device))
        close = (logits - wanted).norm() <= CLOSE * wanted.norm()
        return bool(close) and tokens.part.selecting.chosen.seen == height * width
    return False
