"""Randomised smoothing: votes against their law on a linear model, and that they belong to the image."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import write_pictures
from scipy.stats import norm
from tiny_networks import Means
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.models import smoothing
from roadworthy.models.counted import Counted
from roadworthy.models.precision import cast, in_precision
from roadworthy.models.smoothing import Smoothed, smoothed_by, votes
from roadworthy.models.wrap import wrap
from roadworthy.types import Need

SIDE = 6


class Halves(nn.Module):
    """Two classes, a linear function of all elements between them."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
        self.weight = nn.Parameter(drawn)

    def forward(self, x: Tensor) -> Tensor:
        value = ((x - 0.5) * self.weight).sum((1, 2, 3))
        return torch.stack([value, -value], dim=1)


def halves(sigma: float = 0.25, draws: int = 100) -> Smoothed:
    return smoothed_by(wrap(Halves(), size=SIDE, name="halves"), sigma, draws)


def batch(count: int = 8) -> Tensor:
    drawn = torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    return 0.5 + 0.2 * (drawn - 0.5)


def share_of_first(x: Tensor, sigma: float) -> Tensor:
    """Return the probability that noise leaves each image in the first class."""
    weight = Halves().weight.detach()
    distance = ((x - 0.5) * weight).sum((1, 2, 3)) / weight.norm()
    return torch.from_numpy(norm.cdf(distance.numpy() / sigma))


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_shares_of_votes_follow_the_law_of_a_linear_model(sigma: float) -> None:
    x, draws = 0.5 + sigma * 10 * (batch() - 0.5), 2000
    expected = share_of_first(x, sigma)
    found = halves(sigma, draws).logits(x).exp()[:, 0].double()
    spread = (expected * (1 - expected) / draws).sqrt()
    assert ((found - expected).abs() < 4 * spread + 1e-6).all()
    assert expected.min() < 0.4
    assert expected.max() > 0.6
    # Images draw for themselves: the errors do not go together.
    assert (found - expected).sign().abs().sum() > (found - expected).sign().sum().abs()


def test_votes_are_whole_and_add_up_to_one() -> None:
    shares = halves(draws=40).logits(batch()).exp()
    torch.testing.assert_close(shares * 40, (shares * 40).round())
    torch.testing.assert_close(shares.sum(1), torch.ones(8))


def test_an_image_gets_the_same_votes_in_any_company_layout_and_number_format() -> None:
    model, x = halves(), batch()
    whole = model.logits(x)
    assert torch.equal(torch.cat([model.logits(image[None]) for image in x]), whole)
    assert torch.equal(model.logits(x.flip(0)).flip(0), whole)
    assert torch.equal(model.logits(x.to(memory_format=torch.channels_last)), whole)
    torch.testing.assert_close(model.logits(x.double()).exp(), whole.double().exp())
    twice = model.logits(torch.cat([x[:1], x[:1]]))
    assert torch.equal(twice[0], twice[1])
    assert model.logits(x[:0]).shape == (0, 2)
    # One pixel of another image, another noise.
    near = x + 1e-7
    assert not torch.equal(model.logits(near), whole)


def test_many_draws_begin_with_the_few(monkeypatch: pytest.MonkeyPatch) -> None:
    x = batch(3)

    def count(draws: int) -> Tensor:
        noise = [np.random.default_rng(i) for i in range(3)]
        return votes(Halves(), x, noise, sigma=0.25, draws=draws)

    few, more = count(10), count(37)
    assert ((more - few) >= 0).all()
    assert (more.sum(1) == 37).all()
    monkeypatch.setattr(smoothing, "AT_ONCE", 3)
    assert torch.equal(count(37), more)


def test_nothing_global_is_drawn_and_attacks_see_other_noise() -> None:
    model, x = halves(draws=30), batch()
    torch.manual_seed(7)
    before = torch.rand(1), np.random.get_state()[1][0], random.getstate()  # type: ignore[index]
    torch.manual_seed(7)
    judged = model.logits(x)
    assert torch.equal(torch.rand(1), before[0])
    assert random.getstate() == before[2]
    counted = Counted(model)
    first, second = counted.logits(x), counted.logits(x)
    assert not torch.equal(first, judged)
    assert torch.equal(first, second)  # no call is one of several: the same answer again
    assert torch.equal(Counted(model).logits(x), first)
    assert counted.queries.tolist() == [2] * 8


class Refusing(nn.Module):
    """Gives NaN where the first pixel is large, which noise makes it now and then."""

    def forward(self, x: Tensor) -> Tensor:
        out = torch.stack([x[:, 1, 0, 0], 1 - x[:, 1, 0, 0]], dim=1)
        return torch.where(x[:, :1, 0, 0] > 0.5, torch.nan, out)


def test_answers_that_are_none_are_votes_for_nobody() -> None:
    inner = wrap(Refusing(), size=SIDE, name="refusing")
    x = torch.full((1, 3, SIDE, SIDE), 0.5)
    noise = [np.random.default_rng(0)]
    cast_votes = votes(inner.logits, x, noise, sigma=0.25, draws=200)
    assert 70 < int(cast_votes.sum()) < 130
    logits = smoothed_by(inner, 0.25, 200).logits(x)
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(1))
    assert smoothed_by(inner, 0.25, 5).logits(torch.full_like(x, torch.nan)).isnan().all()
    with pytest.raises(rw.RoadworthyError, match="float tensor"):
        halves().logits(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8))


def test_identity_facts_and_needs() -> None:
    model = halves()
    assert halves(sigma=0.5).id != model.id != halves(draws=101).id
    assert halves().id == model.id == model.draw("other").id
    assert model.gives == {Need.PROBABILITIES, Need.LABELS}
    assert model.classes.count == 2
    assert model.pipeline == model.members[0].pipeline
    halved = in_precision(model, "bf16")
    assert halved.members[0].precision == "bf16"  # type: ignore[attr-defined]
    exact = cast(model, "fp64")
    torch.testing.assert_close(exact.logits(batch()).exp(), model.logits(batch()).exp())


@pytest.mark.parametrize(
    ("sigma", "draws", "said"),
    [
        (0.0, 10, "larger than 0, not 0"),
        (-1.0, 10, "larger than 0, not -1"),
        (float("nan"), 10, "larger than 0, not nan"),
        (0.25, 0, "1 to 1000000, not 0"),
        (0.25, 2_000_000, "1 to 1000000, not 2000000"),
    ],
)
def test_noise_that_means_nothing_is_refused(sigma: float, draws: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        halves(sigma, draws)


NETS = """
import torch
from torch import nn

class Colours(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(8.0 * torch.eye(3))

    def forward(self, x):
        return x.mean((2, 3)) @ self.weight

def colours():
    return Colours()
"""


def test_it_is_named_by_a_spec_judged_and_attacked_by_queries(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    inner = f"torch:{tmp_path / 'nets.py'}:colours(size=16)"
    model = rw.load(f"smoothed({inner}, sigma=1/2, draws=20)")
    assert isinstance(model, Smoothed)
    assert model.spec == f"smoothed({inner}, sigma=0.5, draws=20)"
    assert rw.load(model.spec).id == model.id
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=3)}"
    specs = ["clean", "square(eps=32/255, queries=10)", "spatial(draws=5)"]
    first, again = (
        rw.evaluate(model.spec, data, specs, out=tmp_path / name, batch_size=size)
        .rows()
        .sort("stress", "sample")
        for name, size in (("a", 64), ("b", 2))
    )
    same = ["sample", "stress", "pred", "conf", "success", "queries"]
    assert first.select(same).equals(again.select(same))
    assert set(first["status"]) <= {"ok", "clean_error"}
    clean = first.filter(pl.col("stress") == "clean")
    shares = 20 * clean["conf"].to_numpy()
    np.testing.assert_allclose(shares, shares.round(), atol=1e-4)


def test_gradient_attacks_say_why_they_cannot_run(tmp_path: Path) -> None:
    model = smoothed_by(wrap(Means(3), size=16, name="means"), 0.25, 4)
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=1)}"
    with pytest.raises(rw.UsageError, match="needs gradient, which the model does not give"):
        rw.evaluate(model, data, ["pgd(eps=0.1)"], out=tmp_path / "out")
