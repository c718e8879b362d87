"""The reverse Weibull fit: known parameters come back, and nobody finds a higher likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kstest, weibull_max

from roadworthy.stress._clever.weibull import PENALTY, fitted, goodness, resampled
from roadworthy.stress.draws import Floats


def sample(shape: float, count: int, *, location: float = 10.0, seed: int = 0) -> Floats:
    drawn: Floats = location - 2 * np.random.default_rng(seed).weibull(shape, count)
    return drawn


@pytest.mark.parametrize("shape", [1.3, 2.0, 4.0, 7.0])
def test_the_parameters_of_a_known_distribution_come_back(shape: float) -> None:
    fit = fitted(sample(shape, 4000))
    assert fit.rule == "weibull"
    assert fit.p > 0.05
    assert fit.location == pytest.approx(10, abs=0.15)
    assert fit.shape == pytest.approx(shape, rel=0.12)
    assert fit.scale == pytest.approx(2, rel=0.1)


def penalised(parameters: Floats, values: Floats) -> float:
    """Return the negative log-likelihood with the penalty of the authors' code, by scipy's density."""
    shape, location, scale = parameters
    if shape < 1 or scale <= 0 or location <= values.max():
        return np.inf
    density = weibull_max.logpdf(values, shape, loc=location, scale=scale)
    return float(PENALTY * shape**2 - density.sum())


@pytest.mark.parametrize("shape", [1.5, 3.0, 12.0])
@pytest.mark.parametrize("count", [20, 100])
def test_no_start_of_another_search_ends_higher(shape: float, count: int) -> None:
    values = sample(shape, count, seed=count)
    scaled = (values - values.max()) / np.ptp(values)
    fit = fitted(values)
    ours = np.array(
        [fit.shape, (fit.location - values.max()) / np.ptp(values), fit.scale / np.ptp(values)]
    )
    best = np.inf
    for start in (1.1, 2.0, 5.0, 10.0, 20.0, 50.0):
        begin = np.array([start, 0.1 * start, 0.1 * start + 0.5])
        found = minimize(
            penalised, begin, (scaled,), method="Nelder-Mead", options={"maxiter": 4000}
        )
        best = min(best, float(found.fun))
    assert penalised(ours, scaled) <= best + 1e-3
    assert penalised(ours, scaled) >= best - 0.1  # it is the same mountain


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter(factor: float) -> None:
    values = sample(3.0, 100)
    one, other = fitted(values), fitted(values * factor)
    assert other.location == pytest.approx(one.location * factor, rel=1e-9)
    assert other.shape == pytest.approx(one.shape, rel=1e-9)
    assert other.scale == pytest.approx(one.scale * factor, rel=1e-9)


@pytest.mark.parametrize("count", [5, 20, 300])
def test_goodness_is_the_p_of_the_kolmogorov_smirnov_test(count: int) -> None:
    for seed in range(5):
        values = sample(3.0, count, seed=seed)
        for location in (10.0, 10.4, 11.0):
            exact = kstest(values, weibull_max(3.0, loc=location, scale=2.0).cdf).pvalue
            ours = goodness(values, location, 3.0, 2.0)
            assert ours == pytest.approx(exact, rel=0.15, abs=0.005)


def test_where_nothing_fits_the_largest_value_counts() -> None:
    rng = np.random.default_rng(0)
    two = np.concatenate([rng.normal(1, 0.001, 200), rng.normal(9, 0.001, 200)])
    fit = fitted(two)
    assert (fit.rule, fit.location) == ("maximum", two.max())
    assert fit.p < 1e-3


def test_values_that_are_the_same_need_no_distribution() -> None:
    assert fitted(np.full(9, 3.0)).rule == "constant"
    assert fitted(np.full(9, 3.0)).location == 3
    assert fitted(np.zeros(9)).location == 0
    assert fitted(np.asarray(3 + 1e-6 * np.arange(9), np.float64)).rule == "constant"
    assert fitted(np.asarray(3 + 1e-2 * np.arange(9), np.float64)).rule == "weibull"


def test_four_values_are_too_few() -> None:
    fit = fitted(np.array([1.0, 2.0, 3.0, 2.5]))
    assert (fit.rule, fit.location) == ("maximum", 3.0)
    assert np.isnan(fit.p)
    assert fitted(np.array([1.0, 2.0, 3.0, 2.5, 2.2])).rule == "weibull"


def test_values_that_pile_up_at_the_end_end_there() -> None:
    values = sample(0.5, 500)
    fit = fitted(values)
    assert values.max() <= fit.location <= values.max() + 2e-4 * np.ptp(values)


def test_resampling_with_everything_once_gives_the_fit() -> None:
    for shape in (1.5, 3.0, 8.0):
        for seed in range(4):
            values = sample(shape, 100, seed=seed)
            once, fit = resampled(values, np.ones((2, 100))), fitted(values)
            assert once[0] == once[1]
            assert once[0] - 10 == pytest.approx(fit.location - 10, abs=0.2 * np.ptp(values))


def test_the_interval_of_resamples_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(40):
        values = sample(3.0, 100, seed=seed)
        rng = np.random.default_rng(seed)
        weights = rng.multinomial(100, np.full(100, 0.01), 100).astype(float)
        low, high = np.quantile(resampled(values, weights), [0.025, 0.975])
        hits += low <= 10 <= high
    assert hits >= 28


def test_resamples_that_lack_the_only_low_value_end_at_the_top() -> None:
    values = np.array([0.0, *(1 - 1e-6 * np.arange(7))])
    weights = np.array([[0.0, 2, 1, 1, 1, 1, 1, 1], np.ones(8)])
    found = resampled(values, weights)
    assert 1 <= found[0] <= 1 + 1e-3
    assert found[1] == pytest.approx(1, abs=1e-3)
