"""The frames that published benchmarks were made in, by name."""

from __future__ import annotations

from typing import Literal

from roadworthy.pipeline.recipe import Pipeline

FrameName = Literal["own", "imagenet", "inception", "tiny", "untouched"]
"""``own`` is the model's own frame; the others are those of a benchmark, whatever the model."""

_PUBLISHED = {
    "imagenet": Pipeline(size=(224, 224), resize_to=256),
    "inception": Pipeline(size=(299, 299), geometry="inner"),
    "tiny": Pipeline(size=(64, 64), geometry="squash"),
    "untouched": Pipeline(size=None),
}


def published(frame: FrameName, own: Pipeline) -> Pipeline:
    """Return the pipeline of a published frame, or ``own`` for the frame ``own``.

    ``imagenet``: shorter side to 256, Pillow bilinear, central 224 x 224. ``inception``: the central
    7/8 of both sides to 299 x 299. ``tiny``: straight to 64 x 64. ``untouched``: the picture as it is,
    as CIFAR. Hendrycks & Dietterich, ICLR 2019.
    """
    return _PUBLISHED.get(frame, own)
