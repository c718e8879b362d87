"""The tensors of a checkpoint as the file holds them: folding hides some from the network."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from roadworthy.errors import RoadworthyError
from roadworthy.models import checkpoint
from roadworthy.models.classifier import TorchClassifier
from roadworthy.spec import parse


def zeroed(network: TorchClassifier) -> list[str]:
    """Return the names of tensors that are zero everywhere in the checkpoint of ``network``.

    After batch norms are folded into convolutions, a norm's bias or mean that is zero can no longer
    be seen. The list is empty where the spec names no checkpoint.
    """
    try:
        given = dict(parse(network.spec).params).get("checkpoint")
        if not isinstance(given, str):
            return []
        places = list(checkpoint.state_dicts(checkpoint.read(Path(given).expanduser())))
    except RoadworthyError:  # a live model's name is any text, and its file may be gone by now
        return []
    largest: dict[str, Tensor] = max((tensors for _, tensors in places), key=len, default={})
    return [
        name
        for name, tensor in largest.items()
        if tensor.is_floating_point() and tensor.numel() and not bool(tensor.any())
    ]
