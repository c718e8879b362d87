from __future__ import annotations

from collections.abc import Callable

import masking_networks as masking
import numpy as np
import pytest
import torch
from tiny_networks import Plain, seeded
from torch import Tensor, nn

from roadworthy.models.counted import Counted
from roadworthy.models.equalise import equalising
from roadworthy.models.precision import cast, in_precision
from roadworthy.models.wrap import wrap
from roadworthy.stress._attacks.diagnose import diagnose, shares
from roadworthy.stress._attacks.diagnose_rules import CHECKS
from roadworthy.stress._attacks.flags import FLAGS, square_wins
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.play import Work
from roadworthy.types import Classifier

COUNT, SIDE = 16, 16


def convolutional(activation: nn.Module, *, pool: bool = False, classes: int = 7) -> nn.Module:
    """A network of one kind of activation, called as a module."""
    return seeded(
        nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            activation,
            nn.MaxPool2d(2) if pool else nn.Identity(),
            nn.Conv2d(16, 16, 3, stride=2),
            nn.BatchNorm2d(16),
            activation,
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, classes),
        )
    )


def deep(activation: nn.Module) -> nn.Module:
    """A network with so many activations that a tiny step reorders some."""
    parts = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), activation]
    for _ in range(3):
        parts += [nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), activation]
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 7)]
    return masking.scaled(seeded(nn.Sequential(*parts, *head)), 1e-2)


def network() -> nn.Module:
    return convolutional(nn.ReLU())


def pictures(count: int = COUNT) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


def draws(count: int) -> BatchDraws:
    return BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(count)])


def work_of(model: Classifier, x: Tensor, labels: Tensor | None = None) -> Work:
    """Return an attack's work on images that the model is right about."""
    with torch.no_grad():
        clean = model.logits(x)
    goal = Goal(clean.argmax(dim=1) if labels is None else labels, None, clean)
    return Work(Counted(model), x, goal, Ball("Linf", torch.full((len(x),), 4 / 255)))


def flags(module: nn.Module, **options: object) -> dict[str, float]:
    model = wrap(module, size=SIDE, **options)  # type: ignore[arg-type]
    return shares(work_of(model, pictures()), rng=draws(COUNT))


CLEAN: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: convolutional(nn.ReLU()),
    "max pooling": lambda: convolutional(nn.LeakyReLU(0.2), pool=True),
    "gelu": lambda: convolutional(nn.GELU()),
    "hardswish": lambda: convolutional(nn.Hardswish(), pool=True),
    "hardtanh": lambda: convolutional(nn.Hardtanh()),
    "few features": lambda: seeded(Plain()),
    "large logits": lambda: masking.scaled(convolutional(nn.ReLU()), 5.0),
    "small logits": lambda: masking.scaled(convolutional(nn.ReLU()), 1e-4),
    "deep": lambda: deep(nn.ReLU()),
    "clipped input": lambda: masking.Behind(network(), before=lambda x: x.clamp(0, 1)),
}


@pytest.mark.parametrize("name", CLEAN)
def test_honest_networks_raise_none(name: str) -> None:
    assert flags(CLEAN[name]()) == {}


MASKED: dict[str, tuple[masking.Maker, set[str]]] = {
    "logits * 1000": (masking.scaled, {"zero_gradient", "saturated"}),
    "softmax": (masking.softmax, {"probabilities"}),
    "saturated softmax": (
        lambda net: masking.softmax(masking.scaled(net)),
        {"probabilities", "zero_gradient"},
    ),
    "rounded input": (masking.rounded, {"zero_gradient"}),
    "integer input": (masking.integers, {"disconnected"}),
    "stopped gradient": (masking.stopped, {"disconnected"}),
    "dropout": (masking.dropping, {"randomised"}),
    "noise": (masking.noisy, {"randomised"}),
    "k-WTA": (lambda _: deep(masking.WinnersTakeAll(0.2)), {"shattered"}),
    "another gradient": (masking.misled, {"shattered"}),
    "batch statistics": (masking.centred, {"batch_dependent"}),
    "root at zero": (masking.rooted, {"nan_gradient"}),
    "purification": (masking.Purifying, {"dynamic"}),
}


@pytest.mark.parametrize("name", MASKED)
def test_networks_that_mask_gradients_raise_theirs_and_no_other(name: str) -> None:
    make, expected = MASKED[name]
    assert set(flags(make(network()))) == expected


def test_shares_count_images_and_flags_come_in_the_order_of_the_table() -> None:
    model = wrap(masking.softmax(masking.scaled(network(), 40.0)), size=SIDE)
    work = work_of(model, pictures())
    found = shares(work, rng=draws(COUNT))
    assert diagnose(work, rng=draws(COUNT)) == tuple(found)
    assert list(found) == [name for name in FLAGS if name in found]
    assert found["probabilities"] == 1.0
    assert 0.0 < found["zero_gradient"] < 1.0
    assert found["zero_gradient"] * COUNT == round(found["zero_gradient"] * COUNT)


@pytest.mark.parametrize("norm", list(GEOMETRIES))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_budget_will_do(norm: Norm, dtype: torch.dtype) -> None:
    x = pictures(6).to(dtype)
    for module, expected in ((network(), ()), (masking.softmax(network()), ("probabilities",))):
        model = wrap(module, size=SIDE)
        model = cast(model, "fp64") if dtype == torch.float64 else model  # type: ignore[assignment]
        plain = work_of(model, x)
        eps = torch.tensor([0.0, 0.01, 3.0, 0.0, 1.0, 2.0], dtype=dtype)
        eps = eps.round() if norm == "L0" else eps
        work = Work(plain.model, x, plain.goal, Ball(norm, eps))
        assert diagnose(work, rng=draws(6)) == expected


def test_every_flag_has_a_text_and_every_check_a_flag() -> None:
    elsewhere = ("few_classes", "square_wins", "poor_fits", "missed_slopes", "baseline_suffices")
    assert {*CHECKS, *elsewhere} == set(FLAGS)
    for text in FLAGS.values():
        assert ";" in text or ":" in text
        assert 80 < len(text) < 400


@pytest.mark.parametrize(
    ("classes", "targets", "targeted", "few"),
    [
        (2, None, False, True),
        (3, None, False, False),
        (3, None, True, True),
        (4, None, True, False),
        (3, 2, False, True),
        (4, 3, False, False),
        (7, 7, False, True),
        (7, 9, False, True),
        (10, 9, False, False),
    ],
)
def test_few_classes(classes: int, targets: int | None, targeted: bool, few: bool) -> None:
    model = wrap(convolutional(nn.ReLU(), classes=classes), size=SIDE)
    work = work_of(model, pictures())
    if targeted:
        goal = work.goal.towards(work.goal.ranked(1))
        work = Work(work.model, work.x, goal, work.ball)
    assert diagnose(work, rng=draws(COUNT), targets=targets) == (("few_classes",) if few else ())


def test_one_output_that_went_through_a_sigmoid_gives_probabilities() -> None:
    class Two(nn.Module):
        def __init__(self, squash: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.network, self.squash = convolutional(nn.ReLU(), classes=1), squash

        def forward(self, x: Tensor) -> Tensor:
            z = self.squash(self.network(x))
            return torch.cat([torch.zeros_like(z), z], dim=1)

    assert set(flags(Two(torch.sigmoid))) == {"few_classes", "probabilities"}
    assert set(flags(Two(lambda z: z))) == {"few_classes"}


def test_zero_gradients_count_only_where_the_goal_is_still_ahead() -> None:
    model = wrap(masking.scaled(network()), size=SIDE)
    work = work_of(model, pictures())
    away = Work(work.model, work.x, Goal((work.goal.labels + 1) % 7), work.ball)
    assert "zero_gradient" in shares(work, rng=draws(COUNT))
    assert shares(away, rng=draws(COUNT)) == {}


def test_a_single_image_is_enough_for_all_but_rare_jumps() -> None:
    for make, expected in (
        (masking.dropping, "randomised"),
        (masking.centred, "batch_dependent"),
        (masking.stopped, "disconnected"),
        (masking.softmax, "probabilities"),
    ):
        work = work_of(wrap(make(network()), size=SIDE), pictures(1))
        assert diagnose(work, rng=draws(1)) == (expected,)
    assert diagnose(work_of(wrap(network(), size=SIDE), pictures(1)), rng=draws(1)) == ()
    nobody = work_of(wrap(network(), size=SIDE), pictures(1)[:0])
    assert diagnose(nobody, rng=draws(0)) == ()


@pytest.mark.parametrize(("count", "images"), [(6, 16), (16, 16), (20, 16), (20, 9)])
def test_it_costs_few_passes_and_on_the_first_images_only(count: int, images: int) -> None:
    work = work_of(wrap(network(), size=SIDE), pictures(count))
    assert diagnose(work, rng=draws(count), images=images) == ()
    asked, gone_back = work.model.forwards, work.model.backwards
    assert asked.shape == (count,)
    assert (asked[:8] == 11).all()
    assert (asked[8:images] == 9).all()
    assert (asked[images:] == 0).all()
    assert (gone_back[:images] == 3).all()
    assert (gone_back[images:] == 0).all()
    if images == 16:
        again = work_of(wrap(network(), size=SIDE), pictures(count))
        diagnose(again, rng=draws(count))
        assert (again.model.forwards == asked).all()


def test_a_model_without_gradients_is_only_asked_what_it_can_answer() -> None:
    model = equalising(wrap(network(), size=SIDE), 2.0, 4)
    work = work_of(model, pictures())
    assert diagnose(work, rng=draws(COUNT)) == ()
    assert work.model.backwards.max() == 0


def test_16_bits_are_no_jumps_and_no_batch_dependence() -> None:
    plain = wrap(network(), size=SIDE)
    for model in (in_precision(plain, "bf16"), cast(plain, "bf16")):
        assert diagnose(work_of(model, pictures()), rng=draws(COUNT)) == ()


def test_nothing_is_left_behind_by_a_diagnosis() -> None:
    model = wrap(masking.scaled(network()), size=SIDE)
    x = pictures()
    before, state = x.clone(), torch.random.get_rng_state()
    first = shares(work_of(model, x), rng=draws(COUNT))
    assert torch.equal(x, before)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert shares(work_of(model, x), rng=draws(COUNT)) == first


@pytest.mark.parametrize(
    ("square", "others", "images", "wins"),
    [
        (1, 9, None, True),
        (2, 998, None, False),
        (3, 997, None, True),
        (1, 9, 500, False),
        (0, 5, 5, False),
    ],
)
def test_square_wins_by_more_than_a_fifth_of_a_point(
    square: int, others: int, images: int | None, wins: bool
) -> None:
    broken_by = ["square"] * square + ["apgd", None] * (others // 2) + [None] * (others % 2)
    assert square_wins(broken_by, images) is wins
    named = [None if name is None else f"{name}(steps=50)" for name in broken_by]
    assert square_wins(named, images) is wins
