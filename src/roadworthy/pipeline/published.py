"""The frames that published benchmarks were made in, by name."""

from __future__ import annotations

from typing import Literal

from roadworthy.pipeline.recipe import Pipeline

FrameName = Literal["own", "imagenet", "inception", "tiny", "squash256", "untouched"]
"""``own`` is the model's own frame; the others are those of a benchmark, whatever the model."""

_PUBLISHED = {
    "imagenet": Pipeline(size=(224, 224), resize_to=256),
    "inception": Pipeline(size=(299, 299), geometry="inner"),
    "tiny": Pipeline(size=(64, 64), geometry="squash"),
    "squash256": Pipeline(size=(224, 224), geometry="squash", resize_to=256),
    "untouched": Pipeline(size=None),
}


def published(frame: FrameName, own: Pipeline) -> Pipeline:
    """Return the pipeline of a published frame, or ``own`` for the frame ``own``.

    ``imagenet``: shorter side to 256, Pillow bilinear, central 224 x 224. ``inception``: the central
    7/8 of both sides to 299 x 299. ``tiny``: straight to 64 x 64. ``untouched``: the picture as it is,
    as CIFAR. Hendrycks & Dietterich, ICLR 2019. ``squash256``: straight to 256 x 256, the aspect given
    up, Pillow bilinear, central 224 x 224, as ImageNet-S (Li et al., 2021).
    """
    return _PUBLISHED.get(frame, own)
