"""How a model sees frames of another model's size: resized by itself, or padded and cropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.types import Classes, Classifier, Need

if TYPE_CHECKING:
    from roadworthy.data.labels import Relation
    from roadworthy.engine.options import Adapt
    from roadworthy.engine.plan import Judge
    from roadworthy.pipeline.base import Pipeline

GREY = 0.5
"""What a frame is padded with: the middle of the range."""


def seen_by(model: Classifier, adapt: Adapt) -> Classifier:
    """Return ``model`` as it takes frames of another size: by itself, or padded and cropped first."""
    size = model.pipeline.size
    return model if adapt == "resize" or size is None else PadCrop(model, size)


@dataclass(frozen=True)
class PadCrop:
    """A classifier that brings every batch to its own size by centred padding and cropping.

    Su et al., "Is robustness the cost of accuracy?", ECCV 2018: no pixel is resampled, so what an
    attack has written into one stays as it is.
    """

    model: Classifier
    size: tuple[int, int]

    @property
    def id(self) -> str:
        """As the model's."""
        return self.model.id

    @property
    def pipeline(self) -> Pipeline:
        """As the model's."""
        return self.model.pipeline

    @property
    def classes(self) -> Classes:
        """As the model's."""
        return self.model.classes

    @property
    def gives(self) -> frozenset[Need]:
        """As the model's."""
        return self.model.gives

    def logits(self, x: Any) -> Any:
        """Return the model's logits of the batch (N, C, H, W), padded and cropped to its size."""
        return self.model.logits(pad_crop(x, self.size))


def pad_crop(x: Any, size: tuple[int, int]) -> Any:
    """Return a batch (N, C, H, W) in [0, 1] as (N, C, *size): grey at the sides, or the middle.

    Each axis by itself; an odd pixel goes to the lower right.
    """
    from torch.nn.functional import pad

    missing = [wanted - given for wanted, given in zip(size, x.shape[2:], strict=True)]
    if any(lack > 0 for lack in missing):
        (top, height), (left, width) = [(max(0, lack) // 2, max(0, lack)) for lack in missing]
        x = pad(x, (left, width - left, top, height - top), value=GREY)
    top, left = [max(0, -lack) // 2 for lack in missing]
    return x[:, :, top : top + size[0], left : left + size[1]]


def alike(judges: Sequence[Judge], relation: Callable[[Judge], Relation], data: str) -> None:
    """Refuse models whose outputs mean different classes: one cannot judge what fools the other.

    Raises UsageError naming two models and where they differ.
    """
    first, classes = judges[0], judges[0].model.classes
    for judge in judges[1:]:
        own = judge.model.classes
        why = ""
        if own.count != classes.count:
            why = f"{classes.count} classes and {own.count}"
        elif not np.array_equal(relation(judge).targets, relation(first).targets):
            why = f"the classes of '{data}' at other outputs"
        elif classes.permuted(own):
            why = "the same classes in another order"
        if why:
            raise UsageError(
                f"transfer: '{first.spec}' and '{judge.spec}' have {why}; what fools one means "
                f"nothing to the other. Give models of the same classes in the same order, or run "
                f"them without transfer"
            )
