"""Random models: their mean over draws, gradients of the expected loss, and that all repeats."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import write_pictures
from tiny_networks import Means, Plain, seeded
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.models.combine import combined
from roadworthy.models.counted import Counted
from roadworthy.models.expectation import Drawn, Expectation, averaged
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.precision import in_precision
from roadworthy.models.randomness import drawn, passes
from roadworthy.models.wrap import wrap
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import cross_entropy
from roadworthy.types import Classifier


class Noisy(nn.Module):
    """Multiples of the channel means, each time another one for each image: 1 +- ``size``."""

    def __init__(self, size: float = 0.5, source: str = "torch") -> None:
        super().__init__()
        self.means, self.size, self.source = Means(3), size, source

    def forward(self, x: Tensor) -> Tensor:
        if self.source == "torch":
            drawn = torch.rand(len(x), 1)
        elif self.source == "numpy":
            drawn = torch.from_numpy(np.random.rand(len(x), 1))
        else:
            drawn = torch.tensor([[random.random()] for _ in x])
        out: Tensor = self.means(x) * (1 + self.size * (2 * drawn.to(x) - 1))
        return out


def batch(count: int = 4) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(2))


def noisy(size: float = 0.5, source: str = "torch") -> Classifier:
    return wrap(Noisy(size, source), size=8, name="noisy")


def globals_now() -> tuple[object, ...]:
    _, keys, position, *_ = np.random.get_state()
    return (
        random.getstate(),
        np.asarray(keys).tobytes(),
        position,
        str(torch.get_rng_state().tolist()),
    )


def test_logits_are_the_mean_of_the_draws() -> None:
    model, x = averaged(noisy(), 5), batch()
    each = torch.stack([one.logits(x) for one in model.passes()])
    torch.testing.assert_close(model.logits(x), each.mean(dim=0))
    factors = each[:, :, 2] / noisy(0.0).logits(x)[:, 2]
    assert len(factors.unique()) == 20
    assert ((factors > 0.5) & (factors < 1.5)).all()


def test_more_draws_are_nearer_to_the_expectation() -> None:
    x, expected = batch(), noisy(0.0).logits(batch())
    errors = []
    for n in (1, 8, 64):
        several = [averaged(noisy(), n).draw(str(key)).logits(x) for key in range(8)]
        errors.append(float((torch.stack(several) - expected).square().mean().sqrt()))
    # The error of a mean falls with the root of its size: 2.8 times for each factor of 8.
    assert 1.8 < errors[0] / errors[1] < 4.5
    assert 1.8 < errors[1] / errors[2] < 4.5


@pytest.mark.parametrize("source", ["torch", "numpy", "random"])
def test_draws_repeat_and_leave_global_generators_alone(source: str) -> None:
    model, x = averaged(noisy(source=source), 3), batch()
    before = globals_now()
    first = model.logits(x)
    assert globals_now() == before
    torch.rand(3), np.random.rand(3), random.random()
    assert torch.equal(averaged(noisy(source=source), 3).logits(x), first)
    assert not torch.allclose(model.draw("other").logits(x), first)
    assert torch.equal(model.draw("other").draw("judged").logits(x), first)
    one, other, *_ = (part.logits(x) for part in model.passes())
    assert not torch.allclose(one, other)


def test_generators_are_put_back_even_if_the_network_fails() -> None:
    before = globals_now()

    class Failing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            torch.rand(1), np.random.rand(1), random.random()
            raise ValueError("not today")

    model = averaged(replace(wrap(Means(3), size=8), module=Failing()), 2)
    with pytest.raises(ValueError, match="not today"):
        model.logits(batch())
    assert globals_now() == before


def test_the_gradient_is_that_of_the_expected_loss() -> None:
    model, x, goal = averaged(noisy(0.9), 4), 3 * batch(), Goal(torch.tensor([0, 1, 2, 0]))
    logits, value, gradient = value_and_gradient(model, cross_entropy, x, goal)
    found = [value_and_gradient(one, cross_entropy, x, goal) for one in model.passes()]
    torch.testing.assert_close(logits, model.logits(x))
    torch.testing.assert_close(value, torch.stack([v for _, v, _ in found]).mean(dim=0))
    torch.testing.assert_close(gradient, torch.stack([g for _, _, g in found]).mean(dim=0))
    # It is not the gradient of the loss of the mean.
    z = x.clone().requires_grad_()
    (other,) = torch.autograd.grad(cross_entropy(model.logits(z), goal).sum(), z)
    assert not torch.allclose(gradient, other, rtol=0.01)


def test_an_attack_gets_new_draws_at_every_call_and_the_same_in_every_run() -> None:
    model, x, goal = averaged(noisy(), 3), batch(), Goal(torch.arange(4) % 3)

    def ask() -> list[Tensor]:
        counted = Counted(model)
        some = [counted.logits(x), counted.logits(x)]
        some += [value_and_gradient(counted, cross_entropy, x, goal)[0] for _ in range(2)]
        return [*some, counted.at(torch.arange(4)).logits(x)]

    first = ask()
    for a in range(5):
        assert not torch.allclose(first[a], model.logits(x))
        assert all(not torch.allclose(first[a], first[b]) for b in range(a))
    assert all(torch.equal(a, b) for a, b in zip(first, ask(), strict=True))


def test_every_pass_is_counted() -> None:
    counted, x, goal = Counted(averaged(noisy(), 3)), batch(), Goal(torch.arange(4) % 3)
    counted.logits(x)
    assert counted.forwards.tolist() == [3] * 4
    value_and_gradient(counted.at([0, 2]), cross_entropy, x[[0, 2]], goal.at(torch.tensor([0, 2])))
    assert counted.forwards.tolist() == [6, 3, 6, 3]
    assert counted.backwards.tolist() == [3, 0, 3, 0]
    z = x.clone().requires_grad_()
    torch.autograd.grad(counted.logits(z).sum(), z)
    assert counted.forwards.tolist() == [9, 6, 9, 6]
    assert counted.backwards.tolist() == [6, 3, 6, 3]


def test_a_model_that_draws_nothing_is_one_pass_and_stays_itself() -> None:
    plain = wrap(Means(3), size=8)
    assert drawn(plain, "key") is plain
    assert passes(plain) == (plain,)
    both = combined((plain, wrap(Means(3), size=8, name="b")), "logits")
    assert drawn(both, "key") is both
    note = averaged(plain, 2).notes[-1]
    assert "draws no random numbers" in note
    assert "stochastic=true" in note
    assert not averaged(noisy(), 2).notes


def test_random_members_of_other_models_draw_anew_in_attacks() -> None:
    x, inside = batch(), averaged(noisy(), 2)
    both = combined((wrap(Means(3), size=8), inside), "logits")
    counted = Counted(both)
    assert torch.equal(both.logits(x), both.logits(x))
    assert not torch.allclose(counted.logits(x), counted.logits(x))
    assert drawn(both, "k").id == both.id
    halved = in_precision(averaged(both, 2), "bf16")
    assert halved.members[0].members[0].precision == "bf16"  # type: ignore[attr-defined]


def test_an_image_keeps_its_draws_whatever_else_is_in_the_batch() -> None:
    model, x = averaged(noisy(), 3), batch()
    changed = torch.cat([x[:2], 1 - x[2:]])
    torch.testing.assert_close(model.logits(x)[:2], model.logits(changed)[:2])
    assert model.logits(x[:0]).shape == (0, 3)


def test_identity_and_facts() -> None:
    inner = noisy()
    assert averaged(inner, 3).id != averaged(inner, 4).id
    assert averaged(inner, 3).id != averaged(wrap(Means(3), size=8), 3).id
    model = averaged(inner, 3)
    assert model.draw("x").id == model.id
    assert (model.classes.count, model.pipeline, model.gives) == (3, inner.pipeline, inner.gives)
    part = model.passes()[0]
    assert isinstance(part, Drawn)
    assert (part.id, part.classes.count, part.gives) == (inner.id, 3, inner.gives)
    assert part.pipeline == inner.pipeline


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_a_senseless_number_of_draws_is_refused(n: int) -> None:
    with pytest.raises(UsageError, match=f"1 to 1000, not {n}"):
        averaged(noisy(), n)


NETS = """
import torch
from torch import nn

class Shaky(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.weight = nn.Parameter(8.0 * torch.eye(3))

    def forward(self, x):
        return self.drop(x.mean((2, 3))) @ self.weight

def shaky():
    return Shaky()
"""


def test_dropout_in_a_file_stays_on_only_if_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    place, x = f"torch:{tmp_path / 'nets.py'}:shaky", batch()
    calm = rw.load(f"eot({place}(size=8), n=2)")
    torch.testing.assert_close(calm.logits(x), 8 * x.mean((2, 3)))
    model = rw.load(f"eot( {place}( size=8, stochastic=true), 2)")
    assert isinstance(model, Expectation)
    assert model.spec == repr(model) == f"eot({place}(stochastic=true, size=8), n=2)"
    assert not torch.allclose(model.logits(x), calm.logits(x))
    assert rw.load(model.spec).id == model.id != calm.id
    assert torch.equal(rw.load(model.spec).logits(x), model.logits(x))
    assert rw.load(f"eot({place}(stochastic=true))").n == 20  # type: ignore[attr-defined]


def test_a_run_attacks_and_judges_by_other_draws_and_repeats(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    model = f"eot(torch:{tmp_path / 'nets.py'}:shaky(size=16, stochastic=true), n=3)"
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=3)}"
    specs = ["clean", "pgd(eps=16/255, steps=2)"]
    first, again = (
        rw.evaluate(model, data, specs, out=tmp_path / name).rows().sort("sample", "stress")
        for name in ("a", "b")
    )
    same = ["sample", "stress", "pred", "margin", "success", "forwards"]
    assert first.select(same).equals(again.select(same))
    attacked = first.filter(pl.col("status") == "ok", pl.col("stress").str.starts_with("pgd"))
    assert len(attacked) >= 3
    assert (attacked["forwards"] == 6).all()
    assert (attacked["backwards"] == 6).all()


class Dropping(Plain):
    """Draws in a layer of its own kind and in dropout, and has batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout2d(0.3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.drop(self.features(x)).mean(dim=(2, 3)))
        return out


def test_a_wrapped_module_keeps_its_dropout_only_if_it_is_said() -> None:
    module, x = seeded(Dropping()).eval(), batch()
    calm, alive = (wrap(module, size=8, stochastic=on) for on in (False, True))
    torch.testing.assert_close(calm.logits(x), module(x), rtol=1e-4, atol=1e-4)
    assert torch.equal(calm.logits(x), calm.logits(x))
    assert not torch.allclose(alive.logits(x), alive.logits(x))
    assert alive.id == f"{calm.id}+stochastic"
    assert not module.drop.training
    training = [name for name, part in alive.module.named_modules() if part.training]
    assert training == ["drop"]
    # It is dropout alone that differs: batch norms go by their running statistics.
    many = averaged(alive, 200).logits(x)
    torch.testing.assert_close(many, calm.logits(x), rtol=0.1, atol=0.1)


def test_asking_for_dropout_of_a_network_without_any_is_an_error() -> None:
    with pytest.raises(
        UsageError, match="stochastic=true keeps dropout on, but the network has no"
    ):
        wrap(Noisy(), size=8, stochastic=True)
    kinds = [nn.Dropout(), nn.AlphaDropout(), nn.RReLU(), type("DropPath", (nn.Identity,), {})()]
    for kind in kinds:
        assert wrap(nn.Sequential(kind, Means(3)), size=8, stochastic=True).module[0].training  # type: ignore[index]
