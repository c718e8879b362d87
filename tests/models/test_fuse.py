"""Fused convolutions compute, and differentiate to, what their separate steps do."""

from __future__ import annotations

import copy
import random
from typing import Any, cast

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from tiny_networks import seeded
from torch import Tensor, fx, nn
from torch.nn import functional

from roadworthy.models import fuse
from roadworthy.models import fused as fused_module
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.fuse import fused, spoilt_like
from roadworthy.models.fused import FusedConvolution, _has_bf16
from roadworthy.models.prepare import prepared
from roadworthy.models.slices import sliced

FRAME = (16, 16)
INFINITY = float("inf")


def count(module: nn.Module) -> int:
    return sum(isinstance(part, FusedConvolution) for part in module.modules())


def prepared_alike(module: nn.Module) -> nn.Module:
    made = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
    return fused(made.to(memory_format=torch.channels_last), FRAME)


class Residual(nn.Module):
    """Every pattern once: ReLU alone, a sum and a ReLU, ReLU6, a sum alone, and none."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.third = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.fourth = nn.Conv2d(8, 8, 1)
        self.fifth = nn.Conv2d(8, 5, 3, stride=2, dilation=2)
        self.act = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x), inplace=True)
        y = (self.second(x) + x).relu()
        z = self.act(self.third(y))
        z = y + self.fourth(z)
        logits: Tensor = self.fifth(z).mean((2, 3))
        return logits


def answers(module: nn.Module, size: int = 16, number: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(number, 3, size, size, generator=generator).requires_grad_()
    logits = module(x)
    (gradient,) = torch.autograd.grad((logits**2).sum(), x)
    return logits.detach(), gradient


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("size", [16, 19])
def test_every_pattern_is_fused_and_nothing_changes(size: int, number: int) -> None:
    original = seeded(Residual()).eval()
    module = prepared_alike(original)
    assert count(module) == 4
    wanted, got = answers(original, size, number), answers(module, size, number)
    for a, b in zip(wanted, got, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5 * float(a.abs().max()))


class Shortcuts(nn.Module):
    """Shortcuts without parameters: one whole, one of every second pixel padded with channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.third = nn.Conv2d(8, 16, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        x = functional.relu(self.second(x) + x[:, :, ::1, :])
        short = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))
        x = functional.relu(self.third(x) + short)
        logits: Tensor = x.mean((2, 3))
        return logits


@pytest.mark.parametrize("size", [16, 19])
def test_shortcuts_hand_back_gradients_laid_out_as_the_maps(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = seeded(Shortcuts()).eval()
    module = prepared_alike(original)
    assert count(module) == 3
    taken = [n.target for n in cast(fx.GraphModule, module).graph.nodes if "slice" in str(n.args)]
    assert taken == [sliced]
    seen, backward = [], fused_module._clamped

    def watched(gradient: Tensor, y: Tensor, clamp: Any, out: Tensor | None) -> Tensor:
        seen.append((gradient.stride() == y.stride(), out is gradient))
        return backward(gradient, y, clamp, out)

    monkeypatch.setattr(fused_module, "_clamped", watched)
    for a, b in zip(answers(original, size), answers(module, size), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5 * float(a.abs().max()))
    assert seen == [(True, True)] * 3  # the mean hands back another layout, which is copied


class Fork(nn.Module):
    """Two activations whose sum hands one gradient to both, and one that only a convolution takes."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 8, 3)
        self.one, self.other = nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.before(x))
        y = functional.relu(self.one(x)) + functional.relu(self.other(x))
        logits: Tensor = functional.max_pool2d(y, 8).flatten(1)
        return logits


def test_a_gradient_that_others_get_too_is_not_overwritten() -> None:
    original = seeded(Fork()).eval()
    module = prepared_alike(original)
    parts = [part for part in module.modules() if isinstance(part, FusedConvolution)]
    assert [part.overwrites for part in parts] == [True, False, False]
    wanted = answers(original)
    for a, b in zip(wanted, answers(module), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5 * float(a.abs().max()))
    for part in parts:
        part.overwrites = True
    assert not torch.allclose(answers(module)[1], wanted[1], atol=1e-3)  # or this shows nothing


@given(
    st.lists(st.tuples(st.integers(-5, 5) | st.none(), st.integers(1, 3)), min_size=1, max_size=4)
)
def test_slices_take_what_indexing_takes(parts: list[tuple[int | None, int]]) -> None:
    index = tuple(slice(start, None, step) for start, step in parts)
    x = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(1))
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    got, wanted = sliced(x, index), x[index]
    assert torch.equal(got, wanted)
    weights = torch.arange(float(wanted.numel())).view_as(wanted)
    gradients = [torch.autograd.grad((weights * y).sum(), x)[0] for y in (got, wanted)]
    assert torch.equal(*gradients)
    assert gradients[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("bad", [float("nan"), INFINITY])
def test_what_is_not_a_number_stays_so_in_its_row_alone(bad: float) -> None:
    module = prepared_alike(seeded(Residual()).eval())
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    spoilt = x.clone()
    spoilt[1, 0, 0, 0] = bad
    assert module(spoilt).isnan().any(1).tolist() == [False, True, False]
    assert torch.equal(module(spoilt)[[0, 2]], module(x)[[0, 2]])


def test_a_sum_of_pixels_too_large_for_half_precision_spoils_nothing() -> None:
    logits, x = torch.ones(1, 2, dtype=torch.float16), torch.full((1, 3, 200, 200), 2.0).half()
    assert x.sum().isinf()
    assert torch.equal(spoilt_like(logits, x), logits)
    x[0, 2, 7, 7] = INFINITY
    assert spoilt_like(logits, x).isnan().all()


def test_other_formats_take_the_separate_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_module, "_has_bf16", lambda: False)
    original = seeded(Residual()).eval()
    module = prepared_alike(original)
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    for kind in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=kind):
            assert torch.equal(module(x), original(x))
    a, b = original.double()(x.double()), copy.deepcopy(module).double()(x.double())
    torch.testing.assert_close(b, a, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(not _has_bf16(), reason="this processor has no bfloat16 arithmetic")
def test_under_bf16_the_fused_pass_is_as_near_to_float32_as_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = seeded(Residual()).eval().requires_grad_(requires_grad=False)
    module, exact = prepared_alike(original), answers(original)
    passes, kinds = fused_module._forward, []

    def watched(x: Tensor, *more: Any) -> Tensor:
        kinds.append(x.dtype)
        return passes(x, *more)

    monkeypatch.setattr(fused_module, "_forward", watched)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        steps, got = answers(original), answers(module)
    assert kinds == [torch.bfloat16] * 4
    for a, b, wanted in zip(steps, got, exact, strict=True):
        assert not torch.equal(b, wanted)
        assert (b - wanted).norm() <= 1.5 * (a - wanted).norm() <= 0.2 * wanted.norm()


@pytest.mark.skipif(not _has_bf16(), reason="this processor has no bfloat16 arithmetic")
def test_weights_in_bf16_follow_those_they_are_copies_of() -> None:
    conv = seeded(nn.Conv2d(4, 8, 3)).requires_grad_(requires_grad=False)
    module = FusedConvolution(conv, (0.0, INFINITY))
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        before = module(x)
        assert before.dtype == torch.bfloat16
        assert torch.equal(module(x), before)
        conv.weight.mul_(-1.0)
        torch.testing.assert_close(module(x), conv(x).relu())
        conv.bias.zero_()  # type: ignore[union-attr]
        torch.testing.assert_close(copy.deepcopy(module)(x), conv(x).relu())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from([1, 4]),
    st.sampled_from([None, (0.0, INFINITY), (0.0, 6.0), (-1.0, 1.0)]),
    st.booleans(),
    st.booleans(),
    st.integers(6, 9),
)
def test_the_pass_and_its_gradients_are_those_of_the_steps(
    stride: int, dilation: int, groups: int, clamp: Any, added: bool, biased: bool, side: int
) -> None:
    torch_rng = torch.Generator().manual_seed(stride + 7 * side)
    conv = nn.Conv2d(
        4, 8, 3, stride, padding=1, dilation=dilation, groups=groups, bias=biased
    ).requires_grad_(requires_grad=False)
    conv = conv.to(memory_format=torch.channels_last)
    x = torch.randn(2, 4, side, side, generator=torch_rng).requires_grad_()
    plain = conv(x)
    other = torch.randn(plain.shape, generator=torch_rng).requires_grad_() if added else None
    plain = plain if other is None else plain + other
    plain = plain if clamp is None else plain.clamp(*clamp)
    wanted_from = [x] if other is None else [x, other]
    weights = torch.randn(plain.shape, generator=torch_rng)
    wanted = torch.autograd.grad((plain * weights).sum(), wanted_from)
    module = FusedConvolution(conv, clamp)
    got = module(x, other)
    torch.testing.assert_close(got, plain, rtol=1e-5, atol=1e-5)
    for a, b in zip(torch.autograd.grad((got * weights).sum(), wanted_from), wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(module(x, other), plain.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("side", [11, 12])
def test_convolutions_that_pad_unevenly(side: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(side)
        original = timm.create_model("tf_efficientnet_lite0", num_classes=7).eval()
    module = prepared(copy.deepcopy(original), (64, 64))
    plain = prepared(copy.deepcopy(original), (64, 64), fuse=False)
    assert count(module) >= 30
    assert count(plain) == 0
    for wanted, got in zip(answers(plain, 5 * side), answers(module, 5 * side), strict=True):
        assert (got - wanted).norm() <= 1e-2 * wanted.norm()


@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize("frame", [(8, 8), (9, 8), (7, 11)])
def test_timms_padding_is_kept(kernel: int, groups: int, frame: tuple[int, int]) -> None:
    conv = Conv2dSame(8, 16, kernel, stride=2, groups=groups).requires_grad_(requires_grad=False)
    conv = conv.to(memory_format=torch.channels_last)
    x = torch.randn(2, 8, *frame, generator=torch.Generator().manual_seed(1)).requires_grad_()
    wanted, got = conv(x).relu(), FusedConvolution(conv, (0.0, INFINITY))(x)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad((y * y).sum(), x)[0] for y in (got, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


class Draws(Residual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + 1e-5 * random.random())


class Stops(Residual):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            skipped = torch.tanh(10 * x)
        return super().forward(x) + super().forward(skipped)


class Tuple(Residual):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


class Branches(Residual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.mean() > 0 else -x)


class OtherShape(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.shift = nn.Conv2d(3, 5, 3), nn.Parameter(torch.ones(1, 5, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = torch.tanh(self.conv(x) + self.shift).mean((2, 3))
        return logits


class UsedTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        logits: Tensor = (functional.relu(y) * y).mean((2, 3))
        return logits


@pytest.mark.parametrize("kind", [Draws, Stops, Tuple, Branches, OtherShape, UsedTwice])
def test_what_a_trace_would_change_is_left_alone(kind: type[nn.Module]) -> None:
    module = seeded(kind()).eval().requires_grad_(requires_grad=False)
    assert fused(module, FRAME) is module


def test_padding_by_nothing_is_left_out_and_other_padding_stays() -> None:
    class Pads(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(functional.pad(functional.pad(x, (0, 0, 0, 0)), (1, 0, 0, 0)))

    original = seeded(Pads()).eval()
    module = prepared_alike(original)
    assert isinstance(module, fx.GraphModule)
    assert len(module.graph.find_nodes(op="call_function", target=functional.pad)) == 1
    torch.testing.assert_close(answers(module)[0], answers(original)[0], rtol=1e-4, atol=1e-4)


def test_a_network_with_hooks_is_left_alone() -> None:
    module = seeded(Residual()).eval()
    module.third.register_forward_hook(lambda *_: None)
    assert fused(module, FRAME) is module


def test_a_wrong_candidate_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "RELU", (0.0, 0.5))
    module = seeded(Residual()).eval().requires_grad_(requires_grad=False)
    assert fused(module, FRAME) is module


def test_a_network_that_keeps_its_dropout_is_not_fused() -> None:
    class Dropped(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(functional.dropout(x, 0.5, training=self.training))

    none, one = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    made = [
        build(Network(name="d", module=net, mean=none, std=one, stochastic=drawing))
        for net, drawing in (
            (seeded(Residual()), False),
            (nn.Sequential(seeded(Dropped()), nn.Dropout()), True),
        )
    ]
    assert [count(model.module) for model in made] == [4, 0]


def test_parameters_keep_their_names() -> None:
    original = seeded(Residual()).eval()
    names = dict(prepared_alike(original).named_parameters())
    assert set(names) == set(dict(original.named_parameters()))
