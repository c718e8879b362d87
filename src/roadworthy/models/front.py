"""A model whose input goes through something in 8 bits first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from roadworthy.models.base import NO_FACTS
from roadworthy.models.bpda import bpda
from roadworthy.models.classifier import checked
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Image, Metadata, Need


class Step(Protocol):
    """What is done to each frame before the model sees it, always the same way."""

    @property
    def name(self) -> str:
        """What it is called in the id of the model behind it."""

    @property
    def identity(self) -> tuple[object, ...]:
        """All that decides what it does."""

    def __call__(self, frame: Image) -> Image:
        """Return what becomes of a frame, uint8 (H, W, 3); of the same shape."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Fronted:
    """A classifier behind ``step``; ``members`` is the one model that judges what comes out.

    With ``straight`` gradients go through the step as if it were not there (BPDA); without, there
    are none.
    """

    members: tuple[Classifier]
    step: Step
    straight: bool
    pipeline: Pipeline
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model and all that decides what the step does."""
        covered = digest(self.members[0].id, *self.step.identity, size=8)
        return f"{self.step.name}@{covered}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """What the model gives; gradients only if they go straight through."""
        inner = self.members[0].gives
        return inner if self.straight else inner - {Need.GRADIENT}

    def logits(self, x: Tensor) -> Tensor:
        """Return the model's logits of ``x``, float (N, 3, H, W) in [0, 1], changed in 8 bits."""
        x = checked(x)
        changed = bpda(self._changed)(x) if self.straight else self._changed(x)
        result: Tensor = self.members[0].logits(changed)
        return result

    def _changed(self, x: Tensor) -> Tensor:
        levels = x.detach().clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)
        frames = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        done = [self.step(frame) for frame in frames]
        batch = torch.from_numpy(np.stack(done) if done else frames).permute(0, 3, 1, 2)
        return batch.to(x.device).to(x.dtype).div_(255.0)


def behind(model: Classifier, step: Step, *, straight: bool) -> Fronted:
    """Return ``model`` with ``step`` in front of it."""
    return Fronted(
        members=(model,),
        step=step,
        straight=straight,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )
