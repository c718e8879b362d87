"""Another decoder than the one the model was trained with."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="decode", paper="Wang et al., SysNoise, MLSys 2023")
def decoder(pipeline: Pipeline, *, decode: str) -> Pipeline:
    """Read the same file with the decoder ``decode``, for example ``simplejpeg-ifast``.

    Everything else of the pipeline (orientation, resizer, geometry, colour) stays as the model's
    card says. Decoders that agree bit for bit are judged once. Li et al., ImageNet-S, 2021; Wang et
    al., SysNoise, MLSys 2023.
    """
    return replace(pipeline, decoder=decode)
