"""Certificates: the binomial bound against its definition, radii against linear models' closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from boundary_world import Bare, draws, linear
from engine_world import colour_net, write_pictures
from scipy.stats import beta, binom, norm
from torch import Tensor

import roadworthy as rw
from roadworthy.metrics.catalogue import evaluate_all
from roadworthy.metrics.certified import certified_curve
from roadworthy.models.counted import Counted
from roadworthy.report.cells import cells
from roadworthy.report.columns import metrics_of
from roadworthy.stress import STRESSES
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal
from roadworthy.stress.probes.certify import certified_radius, largest_radius, lower_bound

SHAPE = (3, 4, 4)


@pytest.mark.parametrize("alpha", [0.001, 0.025, 0.4])
@pytest.mark.parametrize("n", [1, 7, 100, 100_000])
def test_the_bound_is_where_the_upper_tail_has_the_probability_alpha(n: int, alpha: float) -> None:
    counts = np.unique(np.linspace(1, n, 9).round().astype(int))
    bound = lower_bound(counts, n, alpha)
    np.testing.assert_allclose(binom.sf(counts - 1, n, bound), alpha, rtol=1e-8)
    np.testing.assert_allclose(bound, beta.ppf(alpha, counts, n - counts + 1), rtol=1e-10)
    assert (np.diff(bound) > 0).all()
    assert lower_bound(np.array([0]), n, alpha).tolist() == [0.0]
    np.testing.assert_allclose(bound[-1], alpha ** (1 / n), rtol=1e-12)


def test_the_bound_is_exceeded_as_often_as_it_says() -> None:
    # Exactly: the sum over all counts whose bound is above the true share.
    for share in (0.5, 0.73, 0.99):
        for n in (20, 1000):
            counts = np.arange(n + 1)
            too_high = lower_bound(counts, n, 0.05) > share
            wrong = binom.pmf(counts, n, share)[too_high].sum()
            assert wrong <= 0.05
            assert wrong > 0.02 or n == 20


def test_radii_come_from_the_bound() -> None:
    shares = np.array([0.0, 0.3, 0.5, 0.8413447460685429, 0.9772498680518208])
    np.testing.assert_allclose(certified_radius(shares, 0.5), [0, 0, 0, 0.5, 1.0], atol=1e-12)
    expected = 0.25 * norm.ppf(0.001 ** (1 / 1000))
    assert largest_radius(0.25, 1000, 0.001) == pytest.approx(expected, rel=1e-12)


def half_spaces(seed: int = 1) -> tuple[Bare, Tensor]:
    """A linear model of two classes, and the weights whose sign decides; logits are w x and -w x."""
    weight = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)).double()
    weight -= weight.mean()  # so that grey lies on the boundary
    return linear(torch.stack([weight, -weight]), torch.zeros(2).double()), weight


def at_distances(weight: Tensor, distances: Tensor) -> Tensor:
    """Return grey images moved so far off the boundary."""
    moved: Tensor = 0.5 + distances.double().view(-1, 1, 1, 1) * weight / weight.norm()
    return moved


def certified(model: Bare, x: Tensor, seed: int = 0, **given: Any) -> tuple[Any, Any, Counted]:
    counted = Counted(model)
    every = draws(len(x) + seed).each[seed:]
    found = STRESSES.get("certify").function(
        counted,
        x,
        Goal(torch.zeros(len(x), dtype=torch.long)),
        GEOMETRIES["L2"],
        rng=type(draws(1))(every),
        **given,
    )
    columns = found.columns
    return columns["certified_class"], np.array(columns["certified_radius"]), counted


def test_on_a_linear_model_no_radius_is_larger_than_the_distance_to_the_boundary() -> None:
    model, weight = half_spaces()
    x = at_distances(weight, torch.full((120,), 0.2))
    named, radius, _ = certified(model, x, sigma=0.25, draws=300, alpha=0.05)
    wrong = int((radius > 0.2).sum())
    assert wrong <= 120 * 0.05 + 4 * np.sqrt(120 * 0.05 * 0.95)
    assert wrong >= 1  # the bound is no more cautious than it has to be
    assert set(named) == {0}
    # As far as the bound allows that is exceeded by the typical count of votes.
    count = np.array([round(300 * norm.cdf(0.2 / 0.25))])
    typical = certified_radius(lower_bound(count, 300, 0.05), 0.25)
    np.testing.assert_allclose(np.median(radius), typical, rtol=0.04)


def test_with_many_draws_the_radius_comes_near_the_distance_from_below() -> None:
    model, weight = half_spaces()
    distance = torch.tensor([0.05, -0.1, 0.2, -0.3])
    gaps = []
    for count in (1000, 8_000):
        named, radius, _ = certified(
            model, at_distances(weight, distance), sigma=0.25, draws=count, draws0=100
        )
        assert named[2:] == [0, 1]
        gaps.append(distance.abs().numpy() - radius)
        assert (gaps[-1] > 0).all()
    assert (gaps[1] < 0.018).all()
    assert (gaps[0][1:] > 1.5 * gaps[1][1:]).all()


def test_it_abstains_on_the_boundary() -> None:
    model, weight = half_spaces()
    named, radius, counted = certified(model, at_distances(weight, torch.zeros(50)), draws=200)
    assert named.count(None) >= 49
    assert all((n is None) == (r == 0) for n, r in zip(named, radius, strict=True))
    assert counted.forwards.tolist() == [300] * 50
    assert counted.backwards.tolist() == [0] * 50


def test_the_class_is_chosen_by_other_draws_than_those_that_certify_it() -> None:
    # On the boundary the share of the class that was chosen is 1/2 on average, not more.
    model, weight = half_spaces()
    x = at_distances(weight, torch.zeros(300))
    _, radius, _ = certified(model, x, draws0=15, draws=15, alpha=0.49)
    positive = (radius > 0).mean()
    exact = binom.sf(np.flatnonzero(lower_bound(np.arange(16), 15, 0.49) > 0.5)[0] - 1, 15, 0.5)
    assert abs(positive - exact) < 4 * np.sqrt(exact * (1 - exact) / 300)


def test_an_image_is_certified_alike_in_any_company_and_nan_abstains() -> None:
    model, weight = half_spaces()
    x = at_distances(weight, torch.linspace(-0.4, 0.4, 6))
    named, radius, _ = certified(model, x, draws=130)
    for image in range(6):
        alone = certified(model, x[image : image + 1], seed=image, draws=130)
        assert alone[0] == named[image : image + 1]
        assert alone[1] == radius[image]
    x[2] = torch.nan
    with_nan = certified(model, x, draws=130)
    assert with_nan[0] == [*named[:2], None, *named[3:]]
    np.testing.assert_array_equal(np.delete(with_nan[1], 2), np.delete(radius, 2))
    assert with_nan[1][2] == 0


def test_a_run_certifies_every_image_the_wrong_ones_too(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=4)}"
    spec = "certify(sigma=[0.25, 0.5], draws=100)"
    runs = [
        rw.evaluate(colour_net(), data, ["clean", spec], out=tmp_path / name, batch_size=size)
        for name, size in (("a", 16), ("b", 1))
    ]
    one, other = (
        run.rows().filter(pl.col("stress") != "clean").sort("variant", "sample") for run in runs
    )
    columns = ["sample", "variant", "pred", "certified_class", "certified_radius", "forwards"]
    assert one.select(columns).equals(other.select(columns))
    assert set(one["status"]) == {"ok"}
    assert not one["correct"].all()
    assert one["certified_radius"].null_count() == 0
    assert one["norm"].is_null().all()
    small = one.filter(pl.col("variant") == "sigma=0.25")
    assert certified_curve(small)[0].estimate.n == 12
    found = {metric.name for metric, _ in evaluate_all(small, None)}
    assert {"certified_radius", "certified_top1"} <= found
    assert not {"robust_top1", "success_rate"} & found
    columns = metrics_of(cells(runs[0].summary))
    assert {"certified_top1", "certified_radius"} <= set(columns)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("certify(sigma=0)", "sigma is the standard deviation"),
        ("certify(draws=0)", "draws is how many noises vote"),
        ("certify(draws0=0)", "draws0 is how many noises choose the class"),
        ("certify(alpha=0)", "alpha is how often"),
        ("certify(alpha=0.5)", "alpha is how often"),
        ("certify(draws=9)", "9 draws certify nothing at alpha=0.001"),
        ("certify(norm=Linf)", "norm"),
        ("cascade(certify, eps=0.1, norm=L2)", "is no attack"),
    ],
)
def test_certificates_that_mean_nothing_are_refused(spec: str, said: str) -> None:
    with pytest.raises(rw.UsageError, match=said):
        stress(spec)
    assert stress("certify(draws=10)").settings  # 0.001 ** (1 / 10) is just above 1/2
