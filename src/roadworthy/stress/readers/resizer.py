"""Another resizer than the one the model was trained with."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="resize", paper="Wang et al., SysNoise, MLSys 2023")
def resizer(pipeline: Pipeline, *, resize: str) -> Pipeline:
    """Read the same file with the resizer ``resize``, for example ``opencv-nearest``.

    Everything else of the pipeline (decoder, geometry, colour) stays as the model's card says.
    Li et al., ImageNet-S, 2021; Wang et al., SysNoise, MLSys 2023.
    """
    return replace(pipeline, resize=resize)
