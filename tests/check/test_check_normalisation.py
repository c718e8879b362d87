"""Wrong normalisation is found, named, and told from bad luck."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from check_world import (
    BYTES,
    HALF,
    IMAGENET,
    NONE,
    Palette,
    Then,
    colours,
    examined,
    failures,
    found,
    wrapped,
)
from torch import Tensor

from roadworthy.models.check.alternatives import alternatives
from roadworthy.models.check.normalisation import by_luck, compared, received
from roadworthy.models.combine import combined

WAYS = {"imagenet": IMAGENET, "half": HALF, "none": NONE}


@pytest.mark.parametrize(("true", "given"), list(itertools.product(WAYS, WAYS)))
def test_the_true_normalisation_is_named(true: str, given: str) -> None:
    (mean, std), (ours, scale) = WAYS[true], WAYS[given]
    report = examined(wrapped(Palette(mean, std), mean=ours, std=scale))
    finding = found(report, "normalisation")
    if true == given:
        assert finding.verdict == "ok"
        assert "100.0 % right, and no other usual normalisation does better" in finding.sentence
    else:
        assert finding.verdict == "failed"
        assert f"with mean={true}, std={true} top-1 would be 100.0 % instead" in finding.sentence
        words = "leave out mean= and std=" if true == "none" else f"mean={true}, std={true}"
        assert words in finding.remedy


def test_normalising_twice_is_found() -> None:
    def normalise(x: Tensor) -> Tensor:
        mean, std = (torch.tensor(v)[:, None, None] for v in IMAGENET)
        return (x - mean) / std

    module = Then(normalise, mean=IMAGENET[0], std=IMAGENET[1])
    assert examined(wrapped(module)).passed
    twice = examined(wrapped(module, mean="imagenet", std="imagenet"))
    assert "normalisation" in failures(twice)
    assert "normalise its input itself" in found(twice, "normalisation").remedy


def test_values_to_255_and_turned_channels_are_found() -> None:
    finding = found(examined(wrapped(Palette(*BYTES))), "normalisation")
    assert finding.verdict == "failed"
    assert "with values from 0 to 255" in finding.sentence
    assert "std=(1/255, 1/255, 1/255)" in finding.remedy
    finding = found(examined(wrapped(Palette(bgr=True))), "normalisation")
    assert finding.verdict == "failed"
    assert "with blue before red top-1 would be 100.0 %" in finding.sentence
    assert "[2, 1, 0]" in finding.remedy


def test_a_member_of_an_ensemble_is_found() -> None:
    good, bad = wrapped(), wrapped(mean=IMAGENET[0], std=IMAGENET[1])
    assert found(examined(combined((good, good), "logits")), "normalisation").verdict == "ok"
    finding = found(examined(combined((good, bad), "logits")), "normalisation")
    assert finding.verdict == "failed"
    assert "with mean=none, std=none top-1 would be 100.0 %" in finding.sentence


def test_few_images_are_no_evidence() -> None:
    model = wrapped(mean=IMAGENET[0], std=IMAGENET[1])
    finding = found(examined(model, limit=7), "normalisation")
    assert (finding.verdict, finding.sentence) == (
        "skipped",
        "7 images are too few to compare normalisations",
    )


def test_luck_is_a_binomial_tail() -> None:
    assert by_luck(5, 0) == pytest.approx(1 / 32)
    assert by_luck(0, 5) == 1.0
    assert by_luck(3, 2) == pytest.approx(0.5)
    assert by_luck(4, 1) == pytest.approx(6 / 32)


def test_a_lead_by_luck_is_not_a_finding() -> None:
    # With half of the labels wrong at random, others are right on some images that it is wrong on.
    shown = [i % 10 for i in range(60)]
    labels = [(c + 3 * (i % 2)) % 10 for i, c in enumerate(shown)]
    assert found(examined(wrapped(), colours(labels, shown=shown)), "normalisation").verdict == "ok"


def test_what_reaches_the_network() -> None:
    words = received(wrapped(mean=HALF[0], std=HALF[1]))
    assert words == "pixels reach the network as -1.00 to 1.00"
    assert received(wrapped()).endswith("0.00 to 1.00")


@pytest.mark.parametrize(
    ("gained", "lost", "n", "verdict"),
    [
        (21, 5, 320, "failed"),  # p = 0.006 for five alternatives, and 5 points
        (21, 5, 321, "warning"),  # less than 5 points
        (20, 5, 300, "warning"),  # p = 0.0102
        (8, 0, 100, "warning"),  # p = 0.004, but 0.02 for five alternatives
        (15, 3, 100, "warning"),
        (7, 0, 100, "warning"),
        (6, 0, 100, "ok"),
        (5, 20, 100, "ok"),
        (9, 9, 100, "ok"),
    ],
)
def test_a_lead_must_be_certain_and_large(gained: int, lost: int, n: int, verdict: str) -> None:
    network = wrapped()
    own = np.zeros(n, np.bool_)
    other = own.copy()
    own[:lost] = True
    other[n - gained :] = True
    tried = alternatives(network)
    finding = compared(network, tried[0], own, other, len(tried))
    assert finding.verdict == verdict
    assert ("no other usual" in finding.sentence) == (gained <= lost)
    assert ("p = " in finding.sentence) == (verdict != "ok")


def test_alternatives_leave_out_the_own() -> None:
    assert len(alternatives(wrapped())) == 5
    assert len(alternatives(wrapped(mean=(0.1, 0.2, 0.3), std=HALF[1]))) == 6
    words = [a.words for a in alternatives(wrapped(mean="half", std="half"))]
    assert "mean=half, std=half" not in words


def test_the_best_on_the_first_images_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from roadworthy.models.check import normalisation

    monkeypatch.setattr(normalisation, "SCREEN", 4)
    finding = found(examined(wrapped(mean="imagenet", std="imagenet")), "normalisation")
    assert finding.verdict == "failed"
    assert "(60 images, " in finding.sentence
    labels, shown = [(i + i // 10) % 10 for i in range(60)], [i % 10 for i in range(60)]
    finding = found(examined(wrapped(), colours(labels, shown=shown)), "normalisation")
    assert finding.verdict == "ok"
