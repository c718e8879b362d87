"""The networks of ARES-Bench, or what stands in for them; all of them are ``@ares55``."""

from __future__ import annotations

from roadworthy.models.base import Network, model


@model
def ares55(name: str, *, checkpoint: str | None = None) -> Network:
    """Make the member ``name`` of the list ``@ares55``, such as ``ares55/resnet50_normal``.

    Its weights are published ones of the same architecture and kind of training, which are
    downloaded; ``checkpoint`` loads others from a file, as for all adversarially trained ones. The
    shorter side of images goes to 256, bicubic, and the central 224 x 224 are judged. Liu et al.,
    "A comprehensive study on robustness of image classification models", IJCV 2024. Raises
    UsageError for an unknown member and for one without published weights.
    """
    from roadworthy.models.lists.network import network

    return network("ares55", name, checkpoint=checkpoint)
