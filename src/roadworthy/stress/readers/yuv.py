"""Pictures that come through luma and chroma, as hardware decoders and cameras hand them over."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader

Matrix = Literal["bt601", "bt709"]
Span = Literal["limited", "full"]


@reader(level="layout", paper="Wang et al., SysNoise, MLSys 2023")
def yuv(
    pipeline: Pipeline,
    *,
    layout: str = "nv12",
    matrix: Matrix = "bt601",
    range: Span = "limited",
    read_matrix: Matrix | None = None,
    read_range: Span | None = None,
) -> Pipeline:
    """Keep the decoded picture as 8-bit luma and chroma in ``layout`` and read it back, then resize.

    ``yuv444`` has chroma for every pixel, ``nv12`` (4:2:0) for four, as most hardware. ``matrix`` and
    ``range`` are those of BT.601 or BT.709, limited (16 to 235) or full; ``read_matrix`` and
    ``read_range`` say how they are taken for by mistake, None for as they were written. The colour
    mode of Wang et al., SysNoise, MLSys 2023, is yuv(layout=yuv444).
    """
    read = f"{read_matrix or matrix}-{read_range or range}"
    written = f"{matrix}-{range}"
    return replace(pipeline, yuv=f"{layout}-{written}" + (f"-as-{read}" if read != written else ""))
