"""A module that is already in memory as a classifier."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean
from roadworthy.models.base import Network, Stats
from roadworthy.models.options import Options
from roadworthy.models.statistics import Word, statistics
from roadworthy.types import Classes

if TYPE_CHECKING:
    from torch import nn

    from roadworthy.models.classifier import TorchClassifier


def wrap(
    module: nn.Module,
    *,
    mean: Stats | Word | None = None,
    std: Stats | Word | None = None,
    size: int | tuple[int, int] | None = None,
    name: str = "wrapped",
    classes: Classes | None = None,
    stochastic: bool = False,
    **options: Any,
) -> TorchClassifier:
    """Return ``module`` as a classifier of [0, 1] images; the module itself is left as it is.

    ``mean`` and ``std`` are three numbers in units of [0, 1] or a word (imagenet, half, none);
    without them the module normalises for itself. ``size`` is the frame it wants, by default each
    image's own. The copy is in eval mode; ``stochastic`` leaves its dropout on, where that is part of
    a defence. ``options`` are those every model takes: crop, resize, geometry, decoder, orient,
    profile, yuv, light, colour, family, training, pretraining. Raises UsageError for a wrong value and
    RoadworthyError if the module cannot be copied or does not return one row of logits per image.
    """
    from torch import nn

    from roadworthy.models.build import build

    if not isinstance(module, nn.Module):
        raise UsageError(f"wrap takes a torch.nn.Module, not {type(module).__name__}")
    known = {f.name for f in fields(Options)} | {"mean", "std", "name", "classes", "stochastic"}
    for key in options:
        if key not in known:
            listed = ", ".join(sorted(known))
            raise UsageError(f"wrap takes no '{key}'{did_you_mean(key, known)} (it takes {listed})")
    shift, scale = statistics(mean, std)
    try:
        ours = copy.deepcopy(module)
    except Exception as error:  # whatever the module's parts raise
        raise RoadworthyError(
            f"{type(module).__name__} cannot be copied ({error}); wrap a module whose parameters "
            "are leaves, outside of any computation"
        ) from None
    network = Network(
        name=f"wrap/{name}",
        module=ours,
        mean=shift,
        std=scale,
        classes=classes,
        stochastic=stochastic,
    )
    # The default name says nothing, so the id tells two wrapped models apart.
    spec = None if name == "wrapped" else name
    return build(network, spec=spec, options=Options(size=size, **options))
