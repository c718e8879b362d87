"""Networks of timm, with the preprocessing that their card states."""

from __future__ import annotations

from roadworthy.models.base import Network, model


@model
def timm(
    name: str,
    *,
    checkpoint: str | None = None,
    pretrained: bool = False,
    classes: int | None = None,
) -> Network:
    """Make the timm network ``name``, a model name with or without a tag (``resnet50.a1_in1k``).

    ``checkpoint`` loads weights from a file. ``pretrained=true`` downloads the published ones,
    through timm. With neither the weights are random, always the same, and the metadata say so.
    ``classes`` replaces the number of outputs, for networks fine-tuned on other data. Frame,
    normalisation, resizing and crop are those of timm's ``pretrained_cfg``. Raises UsageError for
    an unknown name or a checkpoint that does not fit, RoadworthyError if a download fails.
    """
    from roadworthy.models import from_timm

    return from_timm.network(name, checkpoint=checkpoint, pretrained=pretrained, classes=classes)
