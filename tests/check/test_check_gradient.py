"""Gradients that are cut off, and models that give none."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from check_world import (
    SIDE,
    Palette,
    Then,
    examined,
    failures,
    found,
    wrapped,
)
from torch import Tensor

from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Need


def test_gradients_that_are_cut_off() -> None:
    report = examined(wrapped(Then(before=lambda x: x.detach())))
    assert failures(report) == {"gradient"}
    report = examined(wrapped(Then(before=lambda x: torch.round(x * 255) / 255)))
    assert failures(report) == {"gradient"}
    assert "exactly zero at 16 of 16 images" in found(report, "gradient").sentence
    report = examined(wrapped(Then(before=lambda x: torch.where(x > 9, (x - 9).sqrt(), x))))
    assert failures(report) == {"gradient"}
    assert "NaN" in found(report, "gradient").sentence


def test_gradients_that_vanish_here_and_there() -> None:
    def dim(x: Tensor) -> Tensor:
        low = x.mean(dim=(1, 2, 3), keepdim=True) < 0.4
        return torch.where(low, x.detach(), x)

    report = examined(wrapped(Then(before=dim)))
    finding = found(report, "gradient")
    assert report.passed
    assert finding.verdict == "warning"
    assert "whatever the loss" in finding.sentence


def test_a_loss_that_saturates_is_not_masking() -> None:
    finding = found(examined(wrapped(Palette(sharp=1e5))), "gradient")
    assert finding.verdict == "warning"
    assert "so sure that its gradient is exactly zero at 16 of 16 images" in finding.sentence
    assert "margin" in finding.remedy


FRAME, TEN = Pipeline((SIDE, SIDE), crop=1.0), Classes(10)


@dataclass(frozen=True)
class BlackBox:
    """A classifier that gives no gradient."""

    id: str = "box/one@0"
    pipeline: Pipeline = FRAME
    classes: Classes = TEN
    gives: frozenset[Need] = frozenset({Need.LOGITS})

    def logits(self, x: Tensor) -> Tensor:
        out: Tensor = Palette()(x)
        return out.detach()


def test_what_a_black_box_cannot_be_asked_is_skipped() -> None:
    report = examined(BlackBox())
    assert {f.name: f.verdict for f in report.findings if f.verdict != "ok"} == {
        "weights": "skipped",
        "normalisation": "skipped",
        "gradient": "skipped",
    }
    assert "attack" not in found(report, "speed").sentence
    assert "under a 40-step attack" in found(examined(wrapped()), "speed").sentence
