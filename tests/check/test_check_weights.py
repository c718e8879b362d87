"""Weights that are damaged, zero, or not the published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from check_world import (
    PALETTE,
    SIDE,
    examined,
    failures,
    found,
    wrapped,
)

from roadworthy.models.base import Card
from roadworthy.models.combine import combined


def test_weights_that_are_not_finite_or_zero() -> None:
    for value, words in ((float("nan"), "NaN or infinite"), (float("inf"), "NaN or infinite")):
        model = wrapped()
        model.module.get_parameter("linear.bias")[4] = value
        finding = found(examined(model), "weights")
        assert finding.verdict == "failed"
        assert words in finding.sentence
        assert "'linear.bias'" in finding.sentence
    model = wrapped()
    model.module.get_parameter("linear.weight").zero_()
    report = examined(model)
    assert {"weights", "outputs"} <= failures(report)
    assert found(report, "weights").sentence == "all values are zero in 'linear.weight'"
    model = wrapped()
    model.module.get_parameter("linear.bias").zero_()
    assert found(examined(model), "weights").verdict == "ok"


def test_weights_that_are_not_the_published_ones() -> None:
    model = wrapped()
    known = replace(model, card=Card(weights_digest=model.weights_digest))
    assert found(examined(known), "weights").sentence.endswith("all finite, as published")
    other = replace(model, card=Card(weights_digest="0123"))
    finding = found(examined(other), "weights")
    assert finding.verdict == "failed"
    assert f"their digest is {model.weights_digest}, the card says 0123" in finding.sentence
    assert "weights" in failures(examined(combined((known, other), "logits")))


FACTORY = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 1)
        self.norm = nn.BatchNorm2d(10)
    def forward(self, x):
        return self.norm(self.conv(x)).mean(dim=(2, 3))
"""


@pytest.mark.parametrize(
    ("tensor", "verdict"),
    [
        (None, "ok"),
        ("conv.weight", "failed"),
        ("norm.weight", "failed"),
        ("norm.running_var", "failed"),
        ("norm.bias", "warning"),
        ("norm.running_mean", "warning"),
    ],
)
def test_zeros_that_folding_hides(tensor: str | None, verdict: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(4, 10, generator=generator) + 0.5
    state = {
        "conv.weight": torch.from_numpy(PALETTE).float().reshape(10, 3, 1, 1) - 0.5,
        "conv.bias": values[0],
        "norm.weight": torch.ones(10),
        "norm.bias": values[1],
        "norm.running_mean": values[2],
        "norm.running_var": values[3],
    }
    if tensor is not None:
        state[tensor] = torch.zeros_like(state[tensor])
    torch.save({"best": torch.zeros(()), "state_dict": state}, tmp_path / "net.pt")
    (tmp_path / "net.py").write_text(FACTORY)
    report = examined(f"torch:{tmp_path}/net.py:Net(checkpoint='{tmp_path}/net.pt', size={SIDE})")
    finding = found(report, "weights")
    assert finding.verdict == verdict
    assert (f"zero in '{tensor}'" in finding.sentence) == (tensor is not None)
