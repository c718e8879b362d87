"""The usual ways to normalise, and what to tell who used the wrong one."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.models.base import Stats
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.statistics import DEVIATIONS, MEANS


@dataclass(frozen=True)
class Alternative:
    """Another way to normalise; ``flip`` gives the network blue before red."""

    words: str
    mean: Stats
    std: Stats
    flip: bool = False
    remedy: str = ""


WORDS = ("imagenet", "half", "none")
BYTES = 1 / 255
FLIP = "let its forward pass turn the channels around: x[:, [2, 1, 0]]"


def alternatives(network: TorchClassifier) -> list[Alternative]:
    """Return the usual ways to normalise that differ from the network's own."""
    usual = [
        Alternative(f"mean={word}, std={word}", MEANS[word], DEVIATIONS[word]) for word in WORDS
    ]
    usual.append(
        Alternative(
            "values from 0 to 255",
            (0.0, 0.0, 0.0),
            (BYTES, BYTES, BYTES),
            remedy="add mean=none, std=(1/255, 1/255, 1/255)",
        )
    )
    usual.append(Alternative("blue before red", network.mean, network.std, True, FLIP))
    caffe = (103.939 / 255, 116.779 / 255, 123.68 / 255)
    words = "the Caffe normalisation (blue before red, 0 to 255, mean taken off)"
    remedy = f"{FLIP}; with mean=({', '.join(f'{m:.4f}' for m in caffe)}), std=1/255 each"
    usual.append(Alternative(words, caffe, (BYTES, BYTES, BYTES), True, remedy))
    own = (network.mean, network.std)
    return [a for a in usual if a.flip or (a.mean, a.std) != own]


def remedy(network: TorchClassifier, best: Alternative) -> str:
    """Say how to get the better normalisation for a network of this provider."""
    if best.remedy:
        return best.remedy
    if not network.id.startswith(("torch/", "wrap/")):
        return (
            "these weights were not trained with the normalisation on the card; load them by "
            f"torch:FILE.py:FACTORY(checkpoint=FILE, {best.words})"
        )
    if best.words.startswith("mean=none"):
        return "leave out mean= and std=: the network seems to normalise its input itself"
    return f"give the model {best.words}"
