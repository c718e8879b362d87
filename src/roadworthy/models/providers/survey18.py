"""The networks of the 18-model survey, or what stands in for them; all of them are ``@survey18``."""

from __future__ import annotations

from roadworthy.models.base import Network, model


@model
def survey18(name: str, *, checkpoint: str | None = None) -> Network:
    """Make the member ``name`` of the list ``@survey18``, such as ``survey18/vgg16``.

    Its weights are published ones of the same or the nearest architecture, which are downloaded;
    ``checkpoint`` loads others from a file. Images are read as in the survey: the shorter side to
    the frame, then its middle. Su et al., "Is robustness the cost of accuracy?", ECCV 2018. Raises
    UsageError for an unknown member and for one without published weights.
    """
    from roadworthy.models.lists.network import network

    return network("survey18", name, checkpoint=checkpoint)
