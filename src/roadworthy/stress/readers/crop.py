"""Another crop fraction than the one the model was trained with."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.errors import InapplicableError
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.stress.base import reader


@reader(level="crop", paper="Wang et al., SysNoise, MLSys 2023")
def crop(pipeline: Pipeline, *, crop: float) -> Pipeline:
    """Keep the fraction ``crop`` of the resized picture, above 0 up to 1, for example ``0.95``.

    The shorter side is resized to floor(size / crop), as timm does. Everything else of the pipeline
    stays. Raises InapplicableError for a model whose geometry takes no fraction, or that takes pictures
    in their own size.
    """
    if pipeline.size is None:
        raise InapplicableError("the model takes pictures in their own size: nothing is cropped")
    if not GEOMETRIES.get(pipeline.geometry).crops:
        raise InapplicableError(
            f"the model's geometry '{pipeline.geometry}' takes no crop fraction"
        )
    return replace(pipeline, crop=crop, resize_to=None)
