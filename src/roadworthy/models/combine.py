"""Several models that judge as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Metadata, Need

Combine = Literal["logits", "probabilities"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Ensemble:
    """Models over the same classes whose mean decides; each resizes and normalises for itself."""

    members: tuple[Classifier, ...]
    combine: Combine
    pipeline: Pipeline
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the members, their order and the rule."""
        return f"ensemble/{self.combine}@{digest(*(m.id for m in self.members), size=8)}"

    @property
    def classes(self) -> Classes:
        """As the first member's, with no offset: members have taken theirs off."""
        first = self.members[0].classes
        return Classes(first.count, first.names, first.wnids)

    @property
    def gives(self) -> frozenset[Need]:
        """What all members give."""
        return frozenset.intersection(*(m.gives for m in self.members))

    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the members' logits, or the log of the mean of their probabilities."""
        parts = torch.stack([m.logits(x) for m in self.members])
        if self.combine == "logits":
            return parts.mean(dim=0)
        # log(mean(p)) = logsumexp(log p) - log(members), without leaving the log scale
        log_mean = torch.logsumexp(torch.log_softmax(parts, dim=-1), dim=0)
        return log_mean - torch.log(torch.tensor(float(len(parts)), device=parts.device))


def combined(members: tuple[Classifier, ...], combine: Combine) -> Ensemble:
    """Return the ensemble of ``members``; raises UsageError unless they know the same classes."""
    if not members:
        raise UsageError("an ensemble needs models: ensemble(timm/a, timm/b)")
    first = members[0]
    for other in members[1:]:
        a, b = first.classes, other.classes
        if a.count != b.count or (a.wnids and b.wnids and a.wnids != b.wnids) or a.permuted(b):
            raise UsageError(
                f"members of an ensemble must have the same classes: {first.id} has {a.count} "
                f"outputs, {other.id} has {b.count}"
                + (" of other meaning" if a.count == b.count else "")
            )
    notes = tuple(note for m in members for note in getattr(m, "notes", ()))
    counts = [getattr(m, "metadata", NO_FACTS).parameters for m in members]
    known = [c for c in counts if c is not None]
    total = sum(known) if len(known) == len(counts) else None
    return Ensemble(
        members=members,
        combine=combine,
        pipeline=first.pipeline,
        notes=notes,
        metadata=Metadata(parameters=total),
    )
