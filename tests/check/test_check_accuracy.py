"""Labels that do not fit, guessing, and the card."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from check_world import (
    LABELS,
    Then,
    colours,
    examined,
    failures,
    found,
    wrapped,
)

from roadworthy.models.base import Card


def test_classes_that_do_not_fit() -> None:
    report = examined(wrapped(), colours(LABELS, classes=12))
    finding = found(report, "classes")
    assert failures(report) == {"classes"}
    assert "12 classes" in finding.sentence
    assert "10" in finding.sentence
    skipped = {f.name for f in report.findings if f.verdict == "skipped"}
    assert skipped == {"normalisation", "accuracy"}


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
