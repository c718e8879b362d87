"""Networks of torchvision, with the preprocessing of their published weights."""

from __future__ import annotations

from roadworthy.models.base import Network, model


@model
def torchvision(name: str, *, checkpoint: str | None = None, pretrained: bool = False) -> Network:
    """Make the torchvision classifier ``name``, such as ``alexnet`` or ``googlenet``.

    ``checkpoint`` loads weights from a file. ``pretrained=true`` downloads the first published ones
    (``IMAGENET1K_V1``), through torchvision. With neither the weights are random, always the same,
    and the metadata say so. Frame, resizing and crop are those of the card of these weights. Raises
    UsageError for an unknown name or a checkpoint that does not fit, RoadworthyError if a download
    fails.
    """
    from roadworthy.models import from_torchvision

    return from_torchvision.network(name, checkpoint=checkpoint, pretrained=pretrained)
