"""A model computed another way, as a model of its own."""

from __future__ import annotations

from roadworthy.models.base import model
from roadworthy.spec import Spec
from roadworthy.types import Classifier


@model
def modified(judge: Spec, change: Spec | None = None) -> Classifier:
    """Compute ``judge`` as a stress on models says: ``modified(timm/resnet50, ceil_mode)``.

    So that it can be attacked, show what fools it to others, and be judged under everything else:
    ``precision(dtype=bf16)``, ``padding(style=same)``, ``normalisation(mistake=caffe)`` and the like,
    in one variant. Raises UsageError for other stresses, and where it changes nothing of the model.
    """
    from roadworthy.models.load import load
    from roadworthy.models.modified import changed_by

    return changed_by(load(judge), change)
