"""Models that say less than they know: probabilities without logits, or the label alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from roadworthy.models.base import NO_FACTS
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Metadata, Need, with_implied

Answer = Literal["labels", "probabilities"]

SAID: dict[Answer, frozenset[Need]] = {
    "probabilities": frozenset({Need.PROBABILITIES, Need.LABELS}),
    "labels": frozenset({Need.LABELS}),
}
"""What is left of what a model gives."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Silent:
    """A classifier as one asks it from outside: ``members`` is the one model behind the ``answer``."""

    members: tuple[Classifier]
    answer: Answer
    pipeline: Pipeline
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model and what it says."""
        return f"{self.answer}_only@{digest(self.members[0].id, size=8)}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """What it says, as far as the model behind knows it, and never a gradient."""
        known = with_implied(self.members[0].gives) | {Need.LABELS}
        return SAID[self.answer] & known

    def logits(self, x: Tensor) -> Tensor:
        """Return logits (N, classes) that say no more than the answer; NaN where there is none.

        Of probabilities their logarithms, of a label 1 for it and 0 for all others. Without a graph.
        """
        with torch.no_grad():
            logits = self.members[0].logits(x)
            if self.answer == "labels":
                said = torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
            else:
                # Rounded to numbers before the logarithm: what underflows stays unknown.
                said = logits.softmax(1).clamp_min(torch.finfo(logits.dtype).tiny).log()
            return torch.where(logits.isfinite().all(1, keepdim=True), said, torch.nan)


def silent(model: Classifier, answer: Answer) -> Silent:
    """Return ``model`` giving nothing but ``answer``."""
    return Silent(
        members=(model,),
        answer=answer,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )
