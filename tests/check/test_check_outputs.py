"""Outputs that are no logits, and those that only look like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from check_world import (
    Then,
    colours,
    examined,
    failures,
    found,
    wrapped,
)
from torch import Tensor

from roadworthy.types import Classes


def softmax(x: Tensor) -> Tensor:
    return x.softmax(dim=1)


def test_probabilities_are_not_logits() -> None:
    report = examined(wrapped(Then(after=softmax)))
    assert failures(report) == {"outputs"}
    assert "probabilities, not logits" in found(report, "outputs").sentence
    soft = Then(after=lambda x: softmax(x / 100))
    with_background = replace(wrapped(soft), classes=Classes(9, offset=1))
    data = colours([i % 9 for i in range(60)], shown=[i % 9 + 1 for i in range(60)], classes=9)
    assert "outputs" in failures(examined(with_background, data))


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (lambda x: x.log_softmax(dim=1), "log-probabilities"),
        (lambda x: (x / 100).sigmoid(), "as after a sigmoid"),
    ],
)
def test_bounded_outputs_are_a_warning(after: Any, words: str) -> None:
    report = examined(wrapped(Then(after=after)))
    finding = found(report, "outputs")
    assert report.passed
    assert finding.verdict == "warning"
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (lambda x: x - x.mean(dim=1, keepdim=True) + 0.1, "ok"),
        (lambda x: x.log_softmax(dim=1) - 3.0 * (x.argmax(1, keepdim=True) == 0), "ok"),
        (lambda x: softmax(x / 100) / 2, "warning"),
    ],
)
def test_outputs_that_only_resemble_probabilities(after: Any, verdict: str) -> None:
    finding = found(examined(wrapped(Then(after=after))), "outputs")
    assert finding.verdict == verdict
    assert "probabilities" not in finding.sentence


@pytest.mark.parametrize(("pixel", "words"), [(0.0, "black"), (1.0, "white")])
def test_one_flat_image_that_is_not_finite(pixel: float, words: str) -> None:
    def pick(x: Tensor) -> Tensor:
        flat = (x == pixel).all(dim=1, keepdim=True).all(dim=2, keepdim=True)
        return torch.where(flat.all(dim=3, keepdim=True), torch.nan, x)

    finding = found(examined(wrapped(Then(before=pick))), "outputs")
    assert finding.verdict == "failed"
    assert finding.sentence.endswith(f"but not on a {words} one")


def test_constant_and_infinite_outputs() -> None:
    report = examined(wrapped(Then(before=torch.zeros_like)))
    assert {"outputs", "accuracy", "gradient"} == failures(report)
    assert found(report, "outputs").sentence == "the same for all 60 images"
    report = examined(
        wrapped(Then(after=lambda x: torch.where(x.argmax(1, True) == 0, torch.nan, x)))
    )
    assert "NaN or infinite on 6 of 60 images" in found(report, "outputs").sentence
    assert "90.0 %" in found(report, "accuracy").sentence


def test_a_division_by_the_spread_shows_on_flat_images() -> None:
    def spread(x: Tensor) -> Tensor:
        width = x.std(dim=(1, 2, 3), keepdim=True)
        return x * (width / width)

    report = examined(wrapped(Then(before=spread)))
    assert failures(report) == {"outputs"}
    assert "not on a black and white one" in found(report, "outputs").sentence


def test_a_network_that_does_not_run() -> None:
    def picky(x: Tensor) -> Tensor:
        if x.std() > 0:
            raise ValueError("only flat images")
        return x

    report = examined(wrapped(Then(before=picky)))
    assert failures(report) == {"outputs"}
    assert "only flat images" in found(report, "outputs").sentence
    assert {f.name for f in report.findings if f.verdict == "skipped"} == {
        "normalisation",
        "repeat",
        "batch",
        "gradient",
        "accuracy",
        "speed",
    }
