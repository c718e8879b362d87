"""The bill: nothing for the same, the right price for each change, and what stays unexplained."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from check_world import HALF, PALETTE, Palette, colours, wrapped
from preflight_world import opened, recipe
from torch import Tensor

from roadworthy.data.base import Images
from roadworthy.models.silent import silent
from roadworthy.preflight import api
from roadworthy.preflight.prices import DEPLOYED, REMAINDER, WHOLE
from roadworthy.preflight.printed import printed
from roadworthy.preflight.report import Preflight

LABELS = [i % 10 for i in range(80)]
DATA = colours(LABELS)
MODEL = wrapped(Palette(*HALF), mean="half", std="half")
SIDE = 8


def plain(**options: Any) -> Callable[[bytes], Any]:
    """Return the pipeline of the model of this world, with changes: frames of 8 pixels, as they are."""
    return recipe(size=SIDE, resize_to=SIDE, **options)


def checked(deployment: Any, *, data: Any = DATA, **options: Any) -> Preflight:
    found = api.check(MODEL, data, deployment=deployment, **options)
    assert isinstance(found, Preflight)
    return found


def right(images: Any) -> float:
    """Return the accuracy, in percent, of the nearest colour to the mean of frames (N, H, W, 3)."""
    means = np.asarray(images, np.float64).mean(axis=(1, 2)) / 255
    nearest = ((means[:, None] - PALETTE[None]) ** 2).sum(axis=2).argmin(axis=1)
    return 100 * float((nearest == np.array(LABELS)).mean())


FRAMES = np.stack([np.asarray(opened(DATA.read(sample))) for sample in DATA.samples])


@pytest.mark.parametrize(
    "same", [plain(), str(MODEL.pipeline), MODEL.pipeline], ids=["called", "text", "recipe"]
)
def test_the_same_pipeline_costs_exactly_nothing(same: Any) -> None:
    found = checked(same, max_drop=0.0)
    assert found.prices is not None
    assert found.comparison is not None
    assert found.comparison.first is None
    # Pillow saturates sixteen bits of grey, which the card leaves open; there are none here.
    assert {row.name for row in found.prices.rows if row.kind == "factor"} <= {"depth"}
    for row in found.prices.rows:
        price = row.price
        assert (price.drop, price.low, price.high, price.flips, price.p) == (0, 0, 0, 0, 1)
        assert price.kl == pytest.approx(0, abs=1e-9)
    assert found.suggestions == ()  # nor is there anything to be done about it
    assert found.gate is not None
    assert found.gate.decision == "passed"
    assert found.exit_code == 0


def test_each_change_has_its_own_price_and_all_together_another() -> None:
    found = checked(plain(bgr=True, mean=(0.6, 0.4, 0.5)))
    assert found.prices is not None
    rows = {row.name: row for row in found.prices.rows}
    assert set(rows) == {"depth", "colour", "normalisation", WHOLE, DEPLOYED, REMAINDER}
    assert rows["depth"].untouched
    assert [s.factor for s in found.suggestions] == ["colour", "normalisation"]
    clean = right(FRAMES)
    swapped = right(FRAMES[..., ::-1])
    shifted = np.float32(0.1 * 255) * np.array((-1, 1, 0))
    assert rows["colour"].price.before == pytest.approx(clean)
    assert rows["colour"].price.after == pytest.approx(swapped)
    assert rows["colour"].price.drop == pytest.approx(clean - swapped)
    assert rows["normalisation"].price.after == pytest.approx(right(FRAMES + shifted))
    assert rows[WHOLE].price.after == pytest.approx(right(FRAMES[..., ::-1] + shifted))
    assert rows[DEPLOYED].price == rows[WHOLE].price
    assert rows[REMAINDER].price.flips == 0
    assert rows["normalisation"].levels == pytest.approx(0.1 * 255 * 2 / 3, rel=1e-4)
    assert found.prices.worst is not None
    single = {n: r.price.drop or 0.0 for n, r in rows.items() if r.kind == "factor"}
    assert found.prices.worst.name == max(single, key=lambda n: single[n])


class Blind(Palette):
    """Answers with NaN where there is more red than blue."""

    def forward(self, x: Tensor) -> Tensor:
        red, blue = (x[:, c : c + 1].mean((2, 3)) for c in (0, 2))
        return torch.where(red > blue, torch.nan, super().forward(x))


def test_answers_that_are_not_finite_are_no_predictions_and_wrong() -> None:
    blind = wrapped(Blind(*HALF), mean="half", std="half")
    reddish = FRAMES.mean(axis=(1, 2))[:, 0] > FRAMES.mean(axis=(1, 2))[:, 2]
    assert 0 < reddish.sum() < len(LABELS)
    found = api.check(blind, DATA, deployment=plain(bgr=True))
    assert isinstance(found, Preflight)
    assert found.prices is not None
    row = found.prices.row("colour")
    assert row is not None
    known = [n for n, red in enumerate(reddish) if not red]
    assert row.price.before == pytest.approx(100 * sum(map(hit, known)) / len(LABELS))
    assert row.price.flips == 100  # each is answered on one side alone
    assert found.prices.row("depth").price.flips == 0  # type: ignore[union-attr]
    assert row.as_dict()["kl"] is None
    json.dumps(found.as_dict(), allow_nan=False)
    assert "nan" not in printed(found)


def test_labels_alone_have_a_price_but_no_divergence() -> None:
    found, whole = (
        api.check(model, DATA, deployment=plain(bgr=True))
        for model in (silent(MODEL, "labels"), MODEL)
    )
    assert isinstance(found, Preflight)
    assert isinstance(whole, Preflight)
    assert found.prices is not None
    assert whole.prices is not None
    row, other = found.prices.row("colour"), whole.prices.row("colour")
    assert row is not None
    assert other is not None
    assert row.price.flips == other.price.flips > 0
    assert row.price.drop == other.price.drop
    assert row.as_dict()["kl"] is None
    assert other.price.kl > 0


def hit(number: int) -> bool:
    """Whether the nearest colour to a picture is its own."""
    mean = FRAMES[number].mean(axis=(0, 1)) / 255
    return int(((mean - PALETTE) ** 2).sum(axis=1).argmin()) == LABELS[number]


def test_what_no_name_explains_is_said_and_priced() -> None:
    usual = plain()

    def darkened(data: bytes) -> Any:
        numbers = usual(data)
        return numbers if numbers.std() < 0.05 else np.tanh(numbers - 0.9)

    found = checked(darkened)
    assert found.prices is not None
    assert "normalisation" in found.deployment["normalisation"].part
    assert not found.deployment["normalisation"].known
    assert any("normalisation is unknown" in note for note in found.open_parts)
    deployed = found.prices.row(DEPLOYED)
    assert deployed is None or deployed.price.flips > 20


def test_a_pipeline_that_fails_on_some_images_loses_these_aloud() -> None:
    usual, bad = plain(), {DATA.read(sample) for sample in DATA.samples[:5]}

    def choosy(data: bytes) -> Any:
        if data in bad:
            raise ValueError("not this one")
        return usual(data)

    found = checked(choosy)
    assert found.prices is not None
    row = found.prices.row(DEPLOYED)
    assert row is not None
    assert (row.price.n, row.failed, found.prices.refused) == (75, 5, 5)
    assert not row.untouched
    assert any(
        "5 images cannot be read" in note and "not this one" in note for note in found.prices.notes
    )


def test_a_pipeline_that_reads_no_image_never_passes() -> None:
    usual, files = plain(), {DATA.read(sample) for sample in DATA.samples}

    def picky(data: bytes) -> Any:
        if data in files:
            raise ValueError("no pictures of the user's")
        return usual(data)

    found = checked(picky, max_drop=50.0)
    assert found.prices is not None
    assert found.prices.row(WHOLE) is not None  # what its parts explain is priced all the same
    assert found.prices.whole is None
    assert found.gate is not None
    assert found.exit_code == 5
    assert "80 images that training reads are refused" in found.gate.sentence


def test_what_changes_no_prediction_is_not_the_worst() -> None:
    found = checked(plain())
    assert found.prices is not None
    assert [row.name for row in found.prices.rows if row.kind == "factor"] == ["depth"]
    assert found.prices.worst is None
    assert found.prices.as_dict()["worst"] is None


def test_without_labels_only_changes_are_priced() -> None:
    unlabelled = Images("strange", colours([0] * 80, classes=3).classes, DATA.samples, DATA.read)
    found = checked(plain(bgr=True), data=unlabelled, max_drop=1.0)
    assert found.prices is not None
    assert not found.prices.labelled
    row = found.prices.row("colour")
    assert row is not None
    assert row.price.drop is None
    assert row.price.flips > 20
    assert found.gate is not None
    assert found.gate.decision == "undecided"
    assert any("without labels" in note for note in found.prices.notes)


def test_training_by_a_pipeline_of_its_own() -> None:
    found = checked(plain(bgr=True), training=plain(bgr=True))
    assert found.prices is not None
    assert found.prices.row("colour") is None
    whole = found.prices.row(WHOLE)
    assert whole is not None
    assert whole.price.before == pytest.approx(right(FRAMES[..., ::-1]))
    assert whole.price.drop == 0


def test_a_limit_that_is_broken_ends_in_exit_code_4() -> None:
    found = checked(plain(bgr=True), max_drop=1.0)
    assert found.gate is not None
    assert found.gate.decision == "failed"
    assert found.exit_code == 4


def test_all_of_it_is_plain_values() -> None:
    found = checked(plain(bgr=True), max_drop=1.0).as_dict()
    again = json.loads(json.dumps(found))
    assert again["gate"]["decision"] == "failed"
    assert again["comparison"]["first"] == "colour"
    assert {row["name"] for row in again["prices"]["rows"]} >= {"colour", WHOLE, DEPLOYED}
    assert again["deployment"]["components"]["colour"]["name"] == "bgr"
    assert [s["factor"] for s in again["suggestions"]] == ["colour"]
    assert "pillow: libjpeg" in again["manifest"]


def test_a_training_pipeline_without_a_name_is_called_itself() -> None:
    usual, other = plain(), plain(bgr=True)

    def smeared(data: bytes) -> Any:
        numbers = usual(data)
        return (numbers + np.roll(numbers, 1, axis=2) + np.roll(numbers, 1, axis=3)) / 3

    same = checked(smeared, training=smeared)
    assert same.prices is not None
    assert same.training is not None
    assert not same.training["resize"].known
    (row,) = same.prices.rows
    assert (row.name, row.price.drop, row.price.flips, row.price.p) == (DEPLOYED, 0, 0, 1)
    assert any("training: resize is unknown" in note for note in same.open_parts)
    swapped = checked(other, training=smeared)
    assert swapped.prices is not None
    (row,) = swapped.prices.rows
    assert row.price.flips > 20
    assert swapped.comparison is None
