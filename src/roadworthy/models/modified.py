"""A model computed another way, as a model of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.spec import Spec
from roadworthy.stress.bound import stress
from roadworthy.stress.changes import check_applies, judged_by
from roadworthy.types import Classes, Classifier, Metadata, Need, Tap


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


def changed_by(model: Classifier, asked: Spec | None) -> Modified:
    """Return ``model`` changed by a stress on models, in its one variant, as a model of its own.

    Raises UsageError for another stress or several variants, InapplicableError where it changes nothing.
    """
    example = "a stress on models, such as precision(dtype=bf16) or ceil_mode"
    if asked is None:
        raise UsageError(f"modified: say what changes {model.id}: {example}")
    one = stress(asked)
    if one.definition.tap is not Tap.MODEL:
        raise UsageError(f"modified: '{one.spec}' does not change the model; give {example}")
    if len(one.settings) != 1:
        raise UsageError(
            f"modified: '{one.spec}' has {len(one.settings)} variants; choose one, for example "
            f"{one.name}({one.settings[0].key})"
        )
    if model.pipeline.size is not None:
        check_applies(one, one.settings[0], model, model.pipeline.size)
    return modified(judged_by(one, one.settings[0], model), f"modified/{one.name}")
