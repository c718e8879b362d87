"""Models that are random, or that let images of a batch influence each other."""

from __future__ import annotations

import torch
from check_world import (
    Palette,
    Then,
    examined,
    failures,
    found,
    wrapped,
)
from torch import Tensor, nn
from torch.nn import functional


class Norm(nn.Module):
    """A batch norm of the input that changes nothing in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.palette = Palette()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.palette(self.norm(x))
        return out


def test_dropout_that_is_always_on() -> None:
    drop = Then(after=lambda x: x + functional.dropout(torch.ones_like(x), 0.5, training=True))
    report = examined(wrapped(drop))
    assert {"repeat", "batch"} == failures(report)
    assert "the model is random" in found(report, "repeat").remedy
    model = wrapped(nn.Sequential(nn.Dropout(0.1), Palette()))
    assert examined(model).passed
    model.module.train()
    assert {"repeat", "batch"} <= failures(examined(model))


def test_batch_norm_in_training_mode() -> None:
    model = wrapped(Norm())
    assert examined(model).passed
    model.module.train()
    report = examined(model)
    assert "batch" in failures(report)
    assert "repeat" not in failures(report)
    assert "batch norm in training mode" in found(report, "batch").remedy


def test_a_small_dependence_on_the_batch() -> None:
    # 1e-3 of the spread: no prediction changes, and still no rounding does this.
    report = examined(wrapped(Then(after=lambda x: x + 1e-3 * x.std() * len(x) / 64)))
    assert failures(report) == {"batch"}
    report = examined(wrapped(Then(after=lambda x: x + 1e-5 * x.std() * len(x) / 64)))
    assert report.passed
