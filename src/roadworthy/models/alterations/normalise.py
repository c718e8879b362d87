"""Networks whose input is normalised in one of the usual wrong ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from roadworthy.errors import InapplicableError
from roadworthy.models.base import Stats
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.statistics import DEVIATIONS, MEANS
from roadworthy.seed import digest


@dataclass(frozen=True)
class Way:
    """A way to normalise: (x - mean) / std, x in [0, 1]; ``flip`` gives the network blue before red."""

    mean: Stats
    std: Stats
    flip: bool = False


def _times(values: Stats, factor: float) -> Stats:
    red, green, blue = values
    return red * factor, green * factor, blue * factor


def _swapped(own: Way) -> Way:
    if min(own.mean) <= 0:
        raise InapplicableError(
            "its mean is not positive in every channel, so that nothing can be divided by it: mean and "
            "std cannot be swapped"
        )
    return Way(own.std, own.mean)


CAFFE = Way((103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255, 1 / 255, 1 / 255), flip=True)
"""Values from 0 to 255, blue first, less the mean of each channel (in the order in which they are)."""


CLIP = Way((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def _word(name: str) -> Callable[[Way], Way]:
    return lambda _: Way(MEANS[name], DEVIATIONS[name])


MISTAKES: Mapping[str, Callable[[Way], Way]] = {
    "imagenet": _word("imagenet"),
    "half": _word("half"),
    "clip": lambda _: CLIP,
    "unnormalised": _word("none"),
    "undivided": lambda own: Way(_times(own.mean, 1 / 255), _times(own.std, 1 / 255)),
    "divided_twice": lambda own: Way(_times(own.mean, 255), _times(own.std, 255)),
    "caffe": lambda _: CAFFE,
    "swapped": _swapped,
}
"""What becomes of a network's own way under each named mistake."""


def normalised_by(model: TorchClassifier, change: Callable[[Way], Way]) -> TorchClassifier:
    """Return ``model`` with its input normalised as ``change`` makes of its own way.

    Raises InapplicableError where that makes no sense of it.
    """
    way = change(Way(model.mean, model.std))
    name = f"normalised@{digest(way, size=8)}"
    module: nn.Module = Flipped(model.module) if way.flip else model.module
    mean: Any = way.mean[::-1] if way.flip else way.mean
    std: Any = way.std[::-1] if way.flip else way.std
    return replace(model, id=f"{model.id}+{name}", mean=mean, std=std, module=module)


class Flipped(nn.Module):
    """A network that gets the channels in reverse."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        """Return what the network returns for ``x`` with its channels in reverse."""
        return self.network(x.flip(1))
