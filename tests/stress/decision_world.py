"""Where attacks by decisions begin in tests that write them down slowly: at points that are given."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from boundary_world import SHAPE, Bare, curved
from torch import Tensor

from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress.draws import BatchDraws


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def others(model: Bare, x: Tensor) -> Tensor:
    """Return an image of another class for each."""
    many = torch.rand((60, *SHAPE), generator=torch.Generator().manual_seed(9)).double()
    label, labels = model.function(many).argmax(1), model.function(x).argmax(1)
    return torch.stack([many[int((label != one).nonzero()[0])] for one in labels])


def begin_at_others(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """Let the attack in ``module`` on `curved` begin at `others`, without going to the boundary."""

    def started(asked: Decisions, rng: BatchDraws, **_: object) -> tuple[Tensor, Tensor]:
        z = others(curved(), asked.x)
        asked.ask(torch.arange(len(z)), z)
        return torch.arange(len(z)), z

    monkeypatch.setattr(module, "started", started)
    monkeypatch.setattr(module, "bisected", lambda asked, rows, z, tolerance: z)
