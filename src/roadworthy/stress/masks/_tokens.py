"""A vision transformer that is shown some of its tokens."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.counted import Counted
from roadworthy.stress.masks.base import Loss
from roadworthy.types import Classes, Classifier, Need


class Selecting(nn.Module):
    """Stands where timm drops tokens at random in training, and passes on those that are kept."""

    def __init__(self, prefix: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.kept: Tensor | None = None
        self.gates: Tensor | None = None

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the prefix tokens and, of the others, those ``kept`` (N, L), as many of each image."""
        first, rest = tokens[:, : self.prefix], tokens[:, self.prefix :]
        if self.gates is not None:
            rest = rest * self.gates[..., None].to(rest.dtype)
        if self.kept is not None and not bool(self.kept.all()):
            rest = rest[self.kept].view(len(rest), -1, rest.shape[2])
        return torch.cat([first, rest], dim=1)


@dataclass(frozen=True)
class Tokens:
    """A batch ``x`` (N, C, H, W) in [0, 1] of which a transformer gets some patches as tokens.

    ``network`` is the model with ``selecting`` in it.
    """

    model: Classifier
    network: Classifier
    selecting: Selecting
    x: Tensor
    size: tuple[int, int]

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.x.shape[2], self.x.shape[3]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.size

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
            part = self if everyone else self.at(rows)
            self.selecting.kept = kept if everyone else kept[rows]
            self.selecting.gates = gates if gates is None or everyone else gates[rows]
            try:
                logits: Tensor = part.network.logits(part.x)
            finally:
                self.selecting.kept = self.selecting.gates = None
            if everyone:
                return logits
            if found is None:
                found = logits.new_zeros(len(kept), logits.shape[1])
            found = found.index_put((rows,), logits)
        assert found is not None
        return found


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


def transformer_of(model: Classifier) -> TorchClassifier | None:
    """Return the torch classifier in ``model`` if it is one of a timm transformer that drops tokens."""
    inner = model.model if isinstance(model, Counted) else model
    if not isinstance(inner, TorchClassifier):
        return None
    parts = ("patch_embed", "patch_drop", "num_prefix_tokens", "blocks")
    return inner if all(hasattr(inner.module, part) for part in parts) else None


def tokens_of(model: Classifier, x: Tensor) -> Tokens:
    """Return ``x`` as the transformer ``model`` sees tokens of it."""
    inner = transformer_of(model)
    assert inner is not None
    module: Any = copy.copy(inner.module)
    selecting = Selecting(module.num_prefix_tokens)
    # The rest of the network is shared; only this copy has another part in that place.
    module._modules = {**module._modules, "patch_drop": selecting}
    changed: Classifier = replace(inner, module=module)
    if isinstance(model, Counted):
        changed = replace(model, model=changed)
    height, width = module.patch_embed.grid_size
    return Tokens(model, changed, selecting, x, (int(height), int(width)))
