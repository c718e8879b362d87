"""A network that was exported as ONNX."""

from __future__ import annotations

from typing import Literal

from roadworthy.models.base import Network, Stats, model


@model
def onnx(
    path: str,
    *,
    mean: Stats | Literal["imagenet", "half", "none"] | None = None,
    std: Stats | Literal["imagenet", "half", "none"] | None = None,
    offset: int | None = None,
) -> Network:
    """Load an ONNX file for ONNX Runtime (extra onnx): ``onnx:FILE.onnx(mean=imagenet)``.

    ``mean``, ``std`` and ``offset`` are as for `torch`: by default the file normalises for itself.
    Frames have the size that its input declares, channels first or last, floats or bytes. It gives
    logits and no gradients. Raises UsageError where there is no such file, InapplicableError without
    onnxruntime, RoadworthyError where the file cannot be run or takes something else than images.
    """
    from roadworthy.models.exported.runtime import runtime
    from roadworthy.models.from_file import with_statistics

    return with_statistics(runtime(path), mean=mean, std=std, offset=offset)
