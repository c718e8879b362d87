"""Watching what enters the layers of a network while it looks at pictures."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.errors import RoadworthyError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.quantise.layers import entering, layers
from roadworthy.models.quantise.ranges import KEPT, Seen

AT_ONCE = 16
"""Frames in one forward pass: a constant, as the last digits of sums depend on it."""


@torch.no_grad()
def observed(model: TorchClassifier, x: Tensor, *, keep: bool) -> dict[str, Seen]:
    """Return what enters each layer of ``model`` on a batch of frames, in the order of first calls.

    ``x`` is (N, 3, H, W) in [0, 1]. Values are kept only with ``keep``. Raises RoadworthyError where
    they are not finite.
    """
    seen: dict[str, Seen] = {}
    each = -(-KEPT // len(x)) if keep else 0
    with ExitStack() as stack:
        for name, part in layers(model.module).items():
            watch = _Watching(name, seen, each, torch.Generator().manual_seed(0))
            stack.callback(part.register_forward_pre_hook(watch, with_kwargs=True).remove)
        finite = [bool(model.logits(some).isfinite().all()) for some in torch.split(x, AT_ONCE)]
    bad = [f"what enters '{name}'" for name, one in seen.items() if not one.finite]
    if bad or not all(finite):
        raise RoadworthyError(
            f"{model.id}: {[*bad, 'what it answers'][0]} is not finite on the calibration images, so "
            "that there is nothing to go by; look at its weights with `roadworthy check`"
        )
    return seen


@dataclass(frozen=True)
class _Watching:
    """A hook in front of a layer: notes what enters into ``seen``, keeping values of each image."""

    name: str
    seen: dict[str, Seen]
    each: int
    generator: torch.Generator

    def __call__(self, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        one = self.seen.setdefault(self.name, Seen())
        for x in entering(part, args, kwargs):
            one.add(x, keep=self.each * len(x), generator=self.generator)
