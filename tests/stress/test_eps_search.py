"""The smallest budget, found by doubling and halving, against what a linear model says it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import SHAPE, Bare, curved, linear
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress import play
from roadworthy.stress.attacks.eps_search import eps_search
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import stress
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import Found

COUNT = 6


def line(seed: int = 3) -> tuple[Bare, Tensor, Tensor, Tensor]:
    """Return a plane through grey, images away from the faces of the box, labels and normal."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    offset = torch.stack([torch.zeros(()), -0.5 * normal.sum()])
    model = linear(torch.stack([torch.zeros_like(normal), normal]), offset)
    x = 0.4 + 0.2 * torch.rand((COUNT, *SHAPE), generator=generator, dtype=torch.float64)
    return model, x, model.function(x).argmax(1), normal


def exact(norm: Norm, x: Tensor, normal: Tensor) -> Tensor:
    dual = normal.abs().sum() if norm == "Linf" else normal.norm()
    return ((x - 0.5) * normal).flatten(1).sum(1).abs() / dual


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("member", ["fgsm", "bim(steps=3)", "mim(steps=3)"])
def test_the_distance_is_that_of_the_plane_to_within_the_last_halving(
    norm: Norm, member: str
) -> None:
    model, x, labels, normal = line()
    attack = member.replace(")", ", eps=0.001)") if "(" in member else f"{member}(eps=0.001)"
    spec = f"eps_search({attack}, norm={norm}, doublings=12, bisections=8)"
    found, distance = attacked(spec, model, x, labels), exact(norm, x, normal)
    assert found.reached.all()
    assert (found.size >= distance * (1 - 1e-9)).all()
    # The bracket is at most as wide as the distance when halving begins.
    assert (found.size <= distance * (1 + 2**-7)).all()


class Asked:
    """Notes the budgets that a member is played with, by image."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.eps: dict[int, list[float]] = {}
        original: Callable[..., Any] = play.Play.__call__

        def noting(
            this: Any, member: Any, rows: Tensor, *, ball: Ball | None = None, **changes: Any
        ) -> Any:
            assert ball is not None
            for row, eps in zip(rows.tolist(), ball.eps.tolist(), strict=True):
                self.eps.setdefault(row, []).append(eps)
            return original(this, member, rows, ball=ball, **changes)

        monkeypatch.setattr(play.Play, "__call__", noting)


def _one(size: float) -> tuple[Bare, Tensor, Tensor]:
    """Return a model whose single element must move by ``size`` for the other class to win."""
    weight = torch.zeros((2, *SHAPE), dtype=torch.float64)
    weight[1, 0, 0, 0] = 1.0
    x = torch.full((1, *SHAPE), 0.25, dtype=torch.float64)
    return linear(weight, torch.tensor([0.25 + size, 0.0]).double()), x, torch.zeros(1).long()


def test_doubling_then_halving_between_the_last_failure_and_the_last_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/16), doublings=5, bisections=3)", *_one(0.15))
    assert asked.eps[0] == [0.0625, 0.125, 0.25, 0.1875, 0.15625, 0.140625]


def test_a_first_success_is_halved_towards_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/2), doublings=5, bisections=3)", *_one(0.2))
    assert asked.eps[0] == [0.5, 0.25, 0.125, 0.1875]


def test_a_scan_asks_in_equal_steps_and_halves_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/16), scan=8, bisections=2)", *_one(0.22))
    assert asked.eps[0] == [0.0625, 0.125, 0.1875, 0.25, 0.21875, 0.234375]


def test_doubling_ends_where_it_is_told_and_what_never_broke_is_the_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    found = attacked("eps_search(fgsm(eps=1/16), doublings=2)", *_one(0.5))
    assert asked.eps[0] == [0.0625, 0.125, 0.25]
    assert torch.equal(found.x, found.clean)
    assert not found.reached.any()
    asked.eps.clear()
    attacked("eps_search(fgsm(eps=1/16), scan=3)", *_one(0.5))
    assert asked.eps[0] == [0.0625, 0.125, 0.1875]


def test_attempts_are_counted_over_doublings_and_halvings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/16), attempts=5)", *_one(0.15))
    assert asked.eps[0] == [0.0625, 0.125, 0.25, 0.1875, 0.15625]
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/2), attempts=3)", *_one(0.15))
    assert asked.eps[0] == [0.5, 0.25, 0.125]
    asked = Asked(monkeypatch)
    attacked("eps_search(fgsm(eps=1/16), attempts=2)", *_one(0.4))
    assert asked.eps[0] == [0.0625, 0.125]


def test_images_at_different_turns_are_searched_together_as_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    model, x, labels, normal = line()
    assert exact("Linf", x, normal).max() > 4 * exact("Linf", x, normal).min()
    spec = "eps_search(bim(eps=0.002, steps=3), bisections=4)"
    whole, together = attacked(spec, model, x, labels), dict(asked.eps)
    for i in range(COUNT):
        asked.eps.clear()
        alone = attacked(spec, model, x[i : i + 1], labels[i : i + 1])
        assert torch.equal(alone.x[0], whole.x[i])
        assert asked.eps[0] == together[i]


def test_a_larger_success_never_replaces_a_smaller_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, labels = _one(0.2)
    moves = {0.5: 0.3, 0.25: 0.25, 0.125: 0.1, 0.1875: 0.28}  # by eps; 0.2 is enough

    def moving(this: play.Play, member: Any, rows: Tensor, *, ball: Ball, **changes: Any) -> Found:
        return Found(this.work.x[rows] + moves[ball.eps.item()])

    monkeypatch.setattr(play.Play, "__call__", moving)
    found = attacked("eps_search(fgsm(eps=1/2), bisections=3)", model, x, labels)
    assert found.size.item() == pytest.approx(0.25)


def test_gradients_that_were_not_finite_at_any_eps_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x, labels = _one(0.2)

    def noting(this: play.Play, member: Any, rows: Tensor, *, ball: Ball, **changes: Any) -> Found:
        return Found(this.work.x[rows], nan_gradient=torch.tensor([ball.eps.item() == 0.25]))

    monkeypatch.setattr(play.Play, "__call__", noting)
    for eps, told in (("1/8", True), ("1/2", False)):
        found = attacked(f"eps_search(fgsm(eps={eps}), doublings=2)", model, x, labels).found
        assert found.nan_gradient is not None
        assert found.nan_gradient.tolist() == [told]


def test_a_success_that_no_halving_repeats_is_kept() -> None:
    def logits(x: Tensor) -> Tensor:  # only moves beyond 0.71 win
        moved = (x[:, 0, 0, 0] - 0.1).abs()
        return torch.stack([torch.where(moved > 0.71, -9.0, 9.0), x[:, 0, 0, 0]], 1)

    x = torch.full((1, *SHAPE), 0.1, dtype=torch.float64)
    spec = "eps_search(fgsm(eps=0.8), doublings=0, bisections={})"  # 0.8, 0.4, 0.6, 0.7, 0.75
    for bisections, size in ((0, 0.8), (3, 0.8), (4, 0.75)):
        found = attacked(spec.format(bisections), Bare(logits), x, torch.zeros(1).long())
        assert found.size.item() == pytest.approx(size)


def test_draws_are_the_same_at_every_eps_and_for_every_image_alone() -> None:
    model, x = curved(), pictures(5)
    labels = model.function(x).argmax(1)
    spec = "eps_search(pgd(eps=0.02, steps=3, relative_step=3), bisections=5)"
    whole = attacked(spec, model, x, labels)
    eps = whole.size[0].item()
    again = attacked(f"pgd(eps={eps!r}, steps=3, relative_step=3, stop=success)", model, x, labels)
    # The search's own success comes again when its budget, or the little that halving adds, is given.
    assert whole.reached.all()
    assert again.size[0] <= eps + 1e-12


def test_targets_and_norms_go_through() -> None:
    model, x = curved(), pictures(5)
    labels = model.function(x).argmax(1)
    spec = "eps_search(pgd(eps=0.4, steps=5, relative_step=3), norm=L2, bisections=4)"
    targeted: Tried = attacked(spec, model, x, labels, targets=(labels + 1) % 5)
    untargeted = attacked(spec, model, x, labels)
    reached = targeted.reached
    assert reached.any()
    with torch.no_grad():
        assert torch.equal(
            model.function(targeted.x).argmax(1)[reached], ((labels + 1) % 5)[reached]
        )
    assert (targeted.size[reached] >= untargeted.size[reached] * 0.9).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("eps_search", "members|give one attack"),
        ("eps_search(fgsm(eps=0.1), pgd(eps=0.1))", "give one attack, not 2: eps_search"),
        ("eps_search(fmn)", "'fmn' has no eps, it looks for the smallest change itself"),
        ("eps_search(fgsm)", "fgsm"),
        ("eps_search(fgsm(eps=0))", "must not be 0"),
        ("eps_search(fgsm(eps=[0.1, 0.2]))", "has 2 variants"),
        ("eps_search(fgsm(eps=0.1, norm=L2))", "another norm than the whole, Linf"),
        ("eps_search(fgsm(eps=0.1, norm=Linf), norm=L2)", "another norm than the whole, L2"),
        ("eps_search(fgsm(eps=0.1, target=least))", "give the target to eps_search"),
        ("eps_search(gaussian_noise(severity=1))", "is no attack"),
        ("eps_search(fgsm(eps=0.1), bisections=-1)", "bisections must be 0 or larger, not -1"),
    ],
)
def test_what_cannot_be_searched_is_refused(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stress(spec)


def test_the_estimate_is_an_upper_bound_of_what_it_takes() -> None:
    model, x = curved(), pictures(5)
    spec = "eps_search(pgd(eps=0.01, steps=3, restarts=2), doublings=3, bisections=4)"
    found = attacked(spec, model, x, model.function(x).argmax(1))
    assert eps_search.passes is not None
    forwards, backwards = eps_search.passes(stress(spec).settings[0].arguments)
    assert (forwards, backwards) == (8 * (2 * 3 + 1), 8 * 6)
    assert (found.counted.backwards <= backwards).all()
