"""A network that was exported by torch.export."""

from __future__ import annotations

from typing import Literal

from roadworthy.models.base import Network, Stats, model


@model
def torch_export(
    path: str,
    *,
    mean: Stats | Literal["imagenet", "half", "none"] | None = None,
    std: Stats | Literal["imagenet", "half", "none"] | None = None,
    offset: int | None = None,
) -> Network:
    """Load a program that ``torch.export.save`` wrote: ``torch_export:FILE.pt2(mean=imagenet)``.

    ``mean``, ``std`` and ``offset`` are as for `torch`: by default the program normalises for itself.
    Frames have the size it was exported with. It is run as it is and gives gradients; files that
    hold pickled objects are refused. Raises UsageError where there is no such file, RoadworthyError
    where it is no such program or takes something else than images.
    """
    from roadworthy.models.exported.program import program
    from roadworthy.models.from_file import with_statistics

    return with_statistics(program(path), mean=mean, std=std, offset=offset)
