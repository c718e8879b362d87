"""The public page of the input pipeline."""

from roadworthy.pipeline.probe import decode_hash, probe_hash
from roadworthy.pipeline.recipe import Pipeline, validate
from roadworthy.pipeline.steps import decode, frame_of, framed, resized, run

__all__ = [
    "Pipeline",
    "decode",
    "decode_hash",
    "frame_of",
    "framed",
    "probe_hash",
    "resized",
    "run",
    "validate",
]
