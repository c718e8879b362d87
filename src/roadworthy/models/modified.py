"""A model computed another way, as a model of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from roadworthy.models.base import NO_FACTS
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Metadata, Need


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Modified:
    """A classifier that answers as ``members``, the one model that was changed; ``how`` names that."""

    members: tuple[Classifier]
    how: str
    pipeline: Pipeline
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model as it was changed."""
        return f"{self.how}@{digest(self.members[0].id, size=8)}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """What the changed model gives."""
        return self.members[0].gives

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of the changed model."""
        result: Tensor = self.members[0].logits(x)
        return result


def modified(changed: Classifier, how: str) -> Modified:
    """Return ``changed``, which was made of another model by ``how``, as a model of its own."""
    return Modified(
        members=(changed,),
        how=how,
        pipeline=changed.pipeline,
        metadata=getattr(changed, "metadata", NO_FACTS),
        notes=getattr(changed, "notes", ()),
    )
