"""Each finding has a model that must pass and one that must fail, and nothing else fails with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from check_world import (
    DATA,
    LABELS,
    PALETTE,
    SIDE,
    Palette,
    Then,
    colours,
    examined,
    failures,
    found,
    picture_of,
    wrapped,
)
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.data.base import Images
from roadworthy.models.base import Card
from roadworthy.models.combine import combined
from roadworthy.models.wrap import wrap
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Need, Sample


class Norm(nn.Module):
    """A batch norm of the input that changes nothing in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.palette = Palette()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.palette(self.norm(x))
        return out


def softmax(x: Tensor) -> Tensor:
    return x.softmax(dim=1)


def test_classes_that_do_not_fit() -> None:
    report = examined(wrapped(), colours(LABELS, classes=12))
    finding = found(report, "classes")
    assert failures(report) == {"classes"}
    assert "12 classes" in finding.sentence
    assert "10" in finding.sentence
    skipped = {f.name for f in report.findings if f.verdict == "skipped"}
    assert skipped == {"normalisation", "accuracy"}


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


@pytest.mark.parametrize(
    ("top1", "verdict"),
    [(None, "ok"), (62.0, "ok"), (63.0, "warning"), (77.0, "warning"), (78.0, "failed")],
)
def test_accuracy_against_the_card(top1: float | None, verdict: str) -> None:
    # 30 of 60 right: Wilson gives [37.7, 62.3]
    labels = [(c + (i >= 30)) % 10 for i, c in enumerate(LABELS)]
    model = replace(wrapped(), card=Card(top1=top1))
    finding = found(examined(model, colours(labels, shown=LABELS)), "accuracy")
    assert finding.sentence.startswith("50.0 % [37.7, 62.3] on 60 images; ")
    assert finding.verdict == verdict
    assert ("card says" in finding.sentence) == (top1 is not None)


@pytest.mark.parametrize(
    ("shift", "words"), [(1, "one lower 100.0 %"), (-1, "one higher 100.0 %"), (3, "")]
)
def test_guessing_fails_and_says_if_labels_are_shifted(shift: int, words: str) -> None:
    shown = [1 + i % 8 for i in range(60)]
    data = colours([(c + shift) % 10 for c in shown], shown=shown)
    finding = found(examined(wrapped(), data), "accuracy")
    assert finding.verdict == "failed"
    assert "no better than guessing (10 %)" in finding.sentence
    assert words in finding.remedy
    assert ("would be right" in finding.remedy) == bool(words)
    assert found(examined(wrapped(), data, limit=29), "accuracy").verdict == "warning"
    assert found(examined(wrapped(), data, limit=30), "accuracy").verdict == "failed"


def test_classes_sorted_as_text() -> None:
    from roadworthy.models.check.accuracy import _orders

    labels = torch.arange(12, dtype=torch.int32).numpy()
    orders = {words: made.tolist() for words, made in _orders(labels, 12)}
    by_text = [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    assert orders["with numbers for classes sorted as text (0, 1, 10, 11, …)"] == by_text
    inverse = orders["with classes sorted as text (0, 1, 10, 11, …)"]
    assert [by_text[i] for i in inverse] == list(range(12))


def test_one_answer_for_all_fails_even_where_it_is_often_right() -> None:
    data = colours([0] * 50 + [1] * 10)
    favourite = torch.zeros(10)
    favourite[0] = 1e3
    report = examined(wrapped(Then(after=lambda x: x + favourite)), data)
    assert failures(report) == {"accuracy"}
    assert "every image is taken for class 0" in found(report, "accuracy").sentence
    assert found(examined(wrapped(), colours([0] * 40)), "accuracy").verdict == "ok"


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


def test_images_of_all_sizes_need_a_frame() -> None:
    files = [picture_of(c, i, side=8 if i % 3 else 12) for i, c in enumerate(LABELS)]
    samples = [Sample(f"i{i:03}", c, "", i) for i, c in enumerate(LABELS)]
    data = Images("colours", Classes(10), samples, lambda s: files[s.location])
    finding = found(examined(wrap(Palette()), data), "pipeline")
    assert finding.verdict == "warning"
    left = {8: 20, 12: 40}
    assert any(f"{n} of 60 images are not {s}x{s}" in finding.sentence for s, n in left.items())
    assert found(examined(wrap(Palette()), DATA), "pipeline").verdict == "ok"
    assert found(examined(wrapped(), data), "pipeline").verdict == "ok"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (
            Pipeline((224, 224), resize="pillow-bicubic"),
            "shorter side to 256 (pillow-bicubic), centre 224x224",
        ),
        (Pipeline((64, 32), geometry="squash"), "squashed to 32x64 (pillow-bilinear)"),
        (Pipeline(None, orient="exif"), "turned by EXIF, each image in its own size"),
    ],
)
def test_a_pipeline_in_words(recipe: Pipeline, words: str) -> None:
    from roadworthy.models.check.images import in_words

    assert in_words(recipe).endswith(words)
