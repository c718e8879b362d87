"""Rounding to few levels, against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from roadworthy.models.quantise.grid import Grid, affine, ends, rounded_weight
from roadworthy.models.quantise.ranges import RULES, Seen, squared_error

BITS = st.integers(2, 10)
ENDS = st.floats(-50.0, 50.0, allow_subnormal=False, width=32)


def values(seed: int = 0, count: int = 4000) -> Tensor:
    """Return numbers with heavy tails, more of them above 0 than below, as activations are."""
    drawn = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    return drawn.exp() - 1.2


def seen(x: Tensor) -> Seen:
    one = Seen()
    one.add(x, keep=len(x), generator=torch.Generator().manual_seed(0))
    return one


@pytest.mark.parametrize(("scale", "zero", "bits"), [(0.037, 5, 8), (0.5, -2, 2), (0.011, -128, 8)])
def test_the_formula_bit_for_bit(scale: float, zero: int, bits: int) -> None:
    x = values().numpy()
    step = np.float32(scale)
    first, last = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    q = np.clip(np.rint(x * (np.float32(1) / step)) + np.float32(zero), first, last)
    wanted = (q - np.float32(zero)) * step
    got = Grid(scale, zero, bits).round(torch.from_numpy(x)).numpy()
    assert got.dtype == np.float32
    assert np.array_equal(got, wanted)
    assert len(np.unique(got)) <= 2**bits
    assert len(np.unique(got)) > 2  # and not just the ends


def test_the_fake_quantisation_of_torch_agrees() -> None:
    from torch.ao.quantization import FakeQuantize

    x, grid = values(1), affine(-1.3, 7.5, 4)
    peer = FakeQuantize(quant_min=-8, quant_max=7, dtype=torch.qint8)  # type: ignore[no-untyped-call]
    peer.disable_observer()
    peer.scale, peer.zero_point = torch.tensor([grid.scale]), torch.tensor([grid.zero])
    assert torch.equal(grid.round(x), peer(x))


@given(ENDS, ENDS, BITS)
def test_a_grid_covers_its_range_and_holds_zero(one: float, other: float, bits: int) -> None:
    low, high = min(one, other), max(one, other)
    grid = affine(low, high, bits)
    first, last = ends(bits)
    lowest, highest = (grid.scale * (q - grid.zero) for q in (first, last))
    assert first <= grid.zero <= last
    assert grid.round(torch.zeros(1)).item() == 0.0
    slack = 0.5 * grid.scale * (1 + 1e-5) + 1e-25  # a range of nothing still has levels
    assert abs(lowest - min(low, 0.0)) <= slack
    assert abs(highest - max(high, 0.0)) <= slack
    inside = torch.linspace(float(lowest), float(highest), 77)
    assert (grid.round(inside) - inside).abs().max() <= slack + 1e-5 * abs(highest - lowest)


@given(ENDS, ENDS, BITS, st.integers(0, 20))
def test_what_is_rounded_stays(low: float, high: float, bits: int, seed: int) -> None:
    grid = affine(min(low, high), max(low, high), bits)
    once = grid.round(values(seed, 200))
    assert torch.equal(grid.round(once), once)


def test_the_gradient_is_that_of_clipping() -> None:
    grid = affine(-0.5, 2.0, 3)
    first, last = ends(3)
    # What rounds to the last level may lie half a step beyond it.
    low, high = grid.scale * (first - 0.5 - grid.zero), grid.scale * (last + 0.5 - grid.zero)
    x = values(2)
    weights = torch.linspace(-1, 1, len(x))
    got, wanted = x.clone().requires_grad_(), x.clone().requires_grad_()
    (of_grid,) = torch.autograd.grad((weights * grid.round(got)).sum(), got)
    (of_clip,) = torch.autograd.grad((weights * wanted.clip(low, high)).sum(), wanted)
    assert torch.equal(of_grid, of_clip)
    assert 0 < (of_grid == 0).sum() < len(x)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("search", [False, True])
def test_weights_have_a_grid_for_each_channel(bits: int, search: bool) -> None:
    weight = torch.randn(5, 4, 3, 3, generator=torch.Generator().manual_seed(bits))
    weight *= torch.tensor([0.01, 0.1, 1.0, 10.0, 0.0])[:, None, None, None]
    got = rounded_weight(weight, bits, per_channel=True, search=search)
    assert got.shape == weight.shape
    for old, new in zip(weight[:4], got[:4], strict=True):
        scale = old.abs().max() / (2 ** (bits - 1) - 1)
        levels = torch.unique(new)
        assert 2 < len(levels) <= 2**bits
        if not search:
            assert torch.allclose(new.abs().max(), old.abs().max())
            assert torch.allclose(levels / scale, (levels / scale).round(), atol=1e-4)
            assert (new - old).abs().max() <= scale * 0.5001
    assert (got[4] == 0).all()


def test_one_grid_for_all_channels_is_too_coarse_for_small_ones() -> None:
    weight = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    weight[0] *= 0.001
    apart = rounded_weight(weight, 8, per_channel=True, search=False)
    together = rounded_weight(weight, 8, per_channel=False, search=False)
    assert (together[0] == 0).all()
    assert torch.equal(together[1], apart[1])
    assert (apart[0] - weight[0]).abs().max() < 0.01 * weight[0].abs().max()


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_a_search_lowers_the_error_of_every_channel(bits: int) -> None:
    weight = torch.randn(6, 300, generator=torch.Generator().manual_seed(1)) ** 3
    errors = [
        (rounded_weight(weight, bits, per_channel=True, search=search) - weight).square().mean(1)
        for search in (True, False)
    ]
    assert (errors[0] <= errors[1]).all()
    assert (errors[0] < 0.9 * errors[1]).any() or bits == 8


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mse_has_the_smallest_error_of_the_rules(bits: int, seed: int) -> None:
    one = seen(values(seed, 20_000))
    error = {
        name: squared_error(one.values, affine(*rule(one, bits), bits))
        for name, rule in RULES.items()
    }
    assert error["mse"] <= min(error["minmax"], error["percentile"])
    if bits <= 4:
        assert error["mse"] < 0.9 * error["minmax"]


def test_percentiles_leave_out_outliers_and_minmax_does_not() -> None:
    x = torch.linspace(-1, 3, 100_000)
    x[500], x[501] = 1000.0, -1000.0
    one = seen(x)
    assert RULES["minmax"](one, 8) == (-1000.0, 1000.0)
    low, high = RULES["percentile"](one, 8)
    assert (low, high) == pytest.approx((-1.0, 3.0), abs=5e-3)


def test_several_batches_are_seen_as_one() -> None:
    one, generator = Seen(), torch.Generator().manual_seed(0)
    for part in torch.split(values(3, 1000), 300):
        one.add(part, keep=50, generator=generator)
    assert (one.low, one.high) == (values(3, 1000).min().item(), values(3, 1000).max().item())
    assert len(one.values) == 200
    assert one.finite
    one.add(torch.tensor([float("nan")]), keep=0, generator=generator)
    assert not one.finite
