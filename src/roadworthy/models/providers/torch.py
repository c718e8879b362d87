"""A network of your own, made by a function in a Python file that the spec names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from roadworthy.models.base import Network, Stats, model


@model
def torch(
    path: str,
    *,
    checkpoint: str | None = None,
    mean: Stats | Literal["imagenet", "half", "none"] | None = None,
    std: Stats | Literal["imagenet", "half", "none"] | None = None,
    offset: int | None = None,
    stochastic: bool = False,
    **arguments: Any,
) -> Network:
    """Run ``FILE.py`` and make the network that its ``FACTORY`` returns: ``torch:FILE.py:FACTORY``.

    ``checkpoint`` loads weights from a file. ``mean`` and ``std`` are three numbers in units of
    [0, 1], or ``imagenet``, ``half`` (0.5), ``none``: by default the network normalises for itself.
    Without ``size`` images keep their own size. ``offset`` is the number of outputs before the
    first class (by default 1 of 1001 outputs). ``stochastic`` leaves dropout on, where it is part
    of a defence (see `eot`). All other keywords go to the factory. Raises UsageError for wrong names
    and arguments, RoadworthyError for whatever the file raises.
    """
    from roadworthy.models import from_file

    network = from_file.network(path, checkpoint=checkpoint, arguments=arguments)
    network = from_file.with_statistics(network, mean=mean, std=std, offset=offset)
    return replace(network, stochastic=stochastic)
