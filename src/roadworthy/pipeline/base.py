"""The public page of the input pipeline."""

from roadworthy.pipeline.probe import decode_hash, probe_hash, unpacking
from roadworthy.pipeline.recipe import Pipeline, validate
from roadworthy.pipeline.steps import (
    Unpacked,
    corrected,
    decode,
    frame_of,
    framed,
    resized,
    run,
    unpack,
)

__all__ = [
    "Pipeline",
    "Unpacked",
    "corrected",
    "decode",
    "decode_hash",
    "frame_of",
    "framed",
    "probe_hash",
    "resized",
    "run",
    "unpack",
    "unpacking",
    "validate",
]
