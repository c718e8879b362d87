"""What the declared input of a program says of how its frames are made: only their size."""

from __future__ import annotations

from typing import Any

from roadworthy.models.options import Options, with_options
from roadworthy.pipeline.base import Pipeline


def pipeline_for(height: Any, width: Any) -> Pipeline | None:
    """Return the customary pipeline for frames of a fixed size, or None where either side is free."""
    if not (type(height) is int and type(width) is int and height > 0 and width > 0):
        return None
    return with_options(None, Options(size=(height, width)))
