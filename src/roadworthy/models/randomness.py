"""Random models: their draws, and that these repeat."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from roadworthy.seed import digest


@contextmanager
def seeded(key: str, device: torch.device) -> Iterator[None]:
    """Make the global generators of torch, NumPy and Python depend on ``key`` alone meanwhile.

    Networks of users draw from these; what they were before, they are again afterwards.
    """
    number = int(digest(key, size=8), 16)
    python, numpy = random.getstate(), np.random.get_state()
    place = [] if device.type == "cpu" else [device.index or 0]
    kind = "cuda" if device.type == "cpu" else device.type
    with torch.random.fork_rng(devices=place, device_type=kind):
        torch.default_generator.manual_seed(number)
        if place:
            torch.get_device_module(device).manual_seed(number)
        random.seed(number)
        np.random.seed(number % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def drawn(model: Any, key: str) -> Any:
    """Return ``model`` with the random numbers that belong to ``key``; itself if it draws none."""
    draw = getattr(model, "draw", None)
    if draw is not None:
        return draw(key)
    members = getattr(model, "members", None)
    if members is None:
        return model
    others = tuple(drawn(member, key) for member in members)
    same = all(a is b for a, b in zip(others, members, strict=True))
    return model if same else replace(model, members=others)


def passes(model: Any) -> tuple[Any, ...]:
    """Return the single passes whose mean the logits of ``model`` are: itself, or its draws."""
    several = getattr(model, "passes", None)
    return (model,) if several is None else tuple(several())


def is_random(model: Any, size: tuple[int, int]) -> bool:
    """Whether a model says something else about the same batch of frames (H, W) when asked again.

    One whose random numbers belong to a key does not: it draws the same ones.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, *size, generator=generator).to(_device_of(model))
    answers = []
    for key in ("one", "other"):
        with torch.no_grad(), seeded(key, x.device):
            answers.append(model.logits(x))
    return not torch.equal(answers[0].nan_to_num(), answers[1].nan_to_num())


def _device_of(model: Any) -> torch.device:
    """Return where the network of a model is, or of its first member."""
    while getattr(model, "members", None):
        model = model.members[0]
    module = getattr(model, "module", None)
    first = next(module.parameters(), None) if isinstance(module, torch.nn.Module) else None
    return torch.device("cpu") if first is None else first.device
