"""A network that was exported as TorchScript."""

from __future__ import annotations

from typing import Literal

from roadworthy.models.base import Network, Stats, model


@model
def torchscript(
    path: str,
    *,
    mean: Stats | Literal["imagenet", "half", "none"] | None = None,
    std: Stats | Literal["imagenet", "half", "none"] | None = None,
    offset: int | None = None,
) -> Network:
    """Load a program that ``torch.jit.save`` wrote: ``torchscript:FILE.pt(size=224, mean=imagenet)``.

    ``mean``, ``std`` and ``offset`` are as for `torch`: by default the program normalises for itself.
    It is run as it is, with nothing folded, and gives gradients. Raises UsageError where there is no
    such file, RoadworthyError where it is no such program or does not run on images.
    """
    from roadworthy.models.exported.script import script
    from roadworthy.models.from_file import with_statistics

    return with_statistics(script(path), mean=mean, std=std, offset=offset)
