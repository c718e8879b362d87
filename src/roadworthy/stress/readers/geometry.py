"""Another geometry than the one the model was trained with: what of the picture reaches the frame."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.errors import InapplicableError
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.stress.base import reader


@reader(level="geometry", paper="Wang et al., SysNoise, MLSys 2023")
def geometry(pipeline: Pipeline, *, geometry: str, resize_to: int | None = None) -> Pipeline:
    """Fit the same picture to the frame by ``geometry``, for example ``squash`` or ``letterbox``.

    ``resize_to`` is the side that ``crop``, its variants and ``squash`` resize to before the centre
    is cut out: ``geometry(squash, resize_to=256)`` is that of ImageNet-S. Without it, geometries that
    crop keep as much as the model's own, and others all. Decoder, resizer and colours stay. Raises
    InapplicableError for a model that takes pictures in their own size.
    """
    if pipeline.size is None:
        raise InapplicableError(
            "the model takes pictures in their own size: there is nothing to fit"
        )
    crops = GEOMETRIES.get(geometry).crops
    if resize_to is None:
        if geometry == pipeline.geometry:
            return pipeline
        resize_to = pipeline.resize_to if crops else None
    fraction = min(1.0, min(pipeline.size) / resize_to) if crops and resize_to else pipeline.crop
    return replace(pipeline, geometry=geometry, crop=fraction, resize_to=resize_to, fill=None)
