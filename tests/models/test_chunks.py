"""Batches in chunks: the same logits and gradients, on other threads; only where images are alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.models import chunks, fuse
from roadworthy.models.chunks import FEWEST, LEAST, MARK, MOST, bounds, cut, in_chunks
from roadworthy.models.fuse import _least
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.load import load
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin

NETS = Path(__file__).parent / "cifar_resnet.py"


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Give torch two threads, whatever the tests are run with."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Watched(nn.Module):
    """A small network that notes on which thread and how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(4, 5)
        self.calls: list[tuple[str, int, bool, bool, int]] = []
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        name, threads = threading.current_thread().name, torch.get_num_threads()
        modes = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
        self.calls.append((name, len(x), *modes, threads))
        out: Tensor = self.head(self.body(x).flatten(1))
        return out


def network(*, least: int = LEAST) -> Watched:
    torch.manual_seed(0)
    net = Watched()
    setattr(net, MARK, least)
    return net


def batch(count: int) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(count))


@given(st.integers(1, 2000), st.integers(1, 64), st.sampled_from([FEWEST, LEAST]))
def test_chunks_follow_each_other_and_are_alike(count: int, threads: int, least: int) -> None:
    parts = bounds(count, threads, least=least)
    assert [a for a, _ in parts] == [0, *(b for _, b in parts[:-1])]
    assert parts[-1][1] == count
    sizes = [b - a for a, b in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == 1 or (len(parts) % threads == 0 and least <= min(sizes) <= MOST)
    if count >= threads * LEAST:
        assert len(parts) >= threads


@pytest.mark.parametrize(
    ("count", "threads", "least", "chunks"),
    [
        (31, 2, LEAST, 1),
        (7, 2, FEWEST, 1),
        (8, 2, FEWEST, 2),
        (127, 16, FEWEST, 1),
        (128, 16, FEWEST, 16),
        (128, 64, FEWEST, 1),
        (1024, 64, FEWEST, 64),
        (129, 1, LEAST, 3),
    ],
)
def test_more_threads_want_larger_chunks(count: int, threads: int, least: int, chunks: int) -> None:
    assert len(bounds(count, threads, least=least)) == chunks


@pytest.mark.parametrize("count", [31, 32, 53, 128, 200])
def test_logits_are_those_of_the_whole(count: int) -> None:
    net, x = network(), batch(count)
    with torch.no_grad():
        got = in_chunks(net, x)
        calls = list(net.calls)
        torch.testing.assert_close(got, net(x), rtol=1e-5, atol=1e-6)
    parts = bounds(count, 2)
    assert sorted(size for _, size, *_ in calls) == sorted(b - a for a, b in parts)
    on_pool = [name.startswith("roadworthy-chunk") for name, *_ in calls]
    assert all(on_pool) if len(parts) > 1 else not any(on_pool)
    assert {threads for *_, threads in calls} == ({1} if len(parts) > 1 else {2})
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("count", "least", "sizes", "threads"),
    [
        (3, FEWEST, [3], 1),  # too short for two threads to share
        (7, FEWEST, [7], 1),
        (8, FEWEST, [4, 4], 1),
        (9, FEWEST, [4, 5], 1),
        (31, FEWEST, [15, 16], 1),
        (31, LEAST, [31], 2),
        (3, 0, [3], 2),
    ],
)
def test_few_images_go_in_chunks_where_that_leaves_their_bits(
    count: int, least: int, sizes: list[int], threads: int
) -> None:
    net = network(least=least)
    x = batch(count)
    seen = x.clone().requires_grad_()
    out = in_chunks(net, seen)
    assert sorted(size for _, size, *_ in net.calls) == sizes
    assert {each for *_, each in net.calls} == {threads}
    (gradient,) = torch.autograd.grad(out.square().sum(), seen)
    whole = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(net(whole).square().sum(), whole)
    assert wanted.abs().max() > 0
    torch.testing.assert_close(gradient, wanted, rtol=1e-5, atol=1e-7)


def test_other_formats_are_cut_as_if_their_bits_were_not_known() -> None:
    net = network(least=FEWEST)
    assert len(cut(net, 8)) == 2
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert len(cut(net, 8)) == 1
    assert len(cut(net.double(), 8)) == 1


def test_one_thread_takes_the_chunks_in_turn_by_itself() -> None:
    net, x = network(), batch(130)
    torch.set_num_threads(1)
    with torch.no_grad():
        got = in_chunks(net, x)
        calls = list(net.calls)
        torch.testing.assert_close(got, net(x), rtol=1e-5, atol=1e-6)
    assert [size for _, size, *_ in calls] == [43, 43, 44]
    assert {name for name, *_ in calls} == {threading.current_thread().name}


def test_gradients_are_those_of_the_whole_as_often_as_asked() -> None:
    net, x = network(), batch(40)
    weights = torch.rand(40, 5)
    whole, cut = (x.clone().requires_grad_() for _ in range(2))
    wanted, got = net(whole), in_chunks(net, cut)
    for column in (0, 3):  # through the same pass, as attacks on boundaries do
        (first,) = torch.autograd.grad(
            (weights * wanted)[:, column].sum(), whole, retain_graph=True
        )
        (second,) = torch.autograd.grad((weights * got)[:, column].sum(), cut, retain_graph=True)
        assert first.abs().max() > 0
        torch.testing.assert_close(second, first, rtol=1e-5, atol=1e-7)


def test_modes_of_the_caller_hold_in_the_chunks() -> None:
    net, x = network(), batch(64)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        got = in_chunks(net, x)
    assert got.dtype == torch.bfloat16
    assert got.is_inference()
    assert [(inference, autocast) for _, _, inference, autocast, _ in net.calls] == [
        (True,) * 2
    ] * 2


def test_only_marked_networks_are_cut() -> None:
    net = network(least=0)
    with torch.no_grad():
        in_chunks(net, batch(64))
    assert [size for _, size, *_ in net.calls] == [64]


def test_an_error_in_a_chunk_is_that_of_the_network() -> None:
    class Broken(Watched):
        def forward(self, x: Tensor) -> Tensor:
            raise MemoryError("all gone")

    net = Broken()
    setattr(net, MARK, LEAST)
    with pytest.raises(MemoryError, match="all gone"), torch.no_grad():
        in_chunks(net, batch(64))


class Coupled(nn.Module):
    """Takes the mean over the batch off, so that images are not alone."""

    def __init__(self, *, coupled: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
        self.head, self.coupled = nn.Linear(4, 5), coupled

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x).mean((2, 3))
        out: Tensor = self.head(features - features.mean(0) if self.coupled else features)
        return out


@pytest.mark.parametrize("coupled", [False, True])
def test_networks_in_which_images_see_each_other_are_not_marked(coupled: bool) -> None:
    torch.manual_seed(0)
    model = rw.wrap(Coupled(coupled=coupled), size=8, name="net")
    assert bool(getattr(model.module, MARK)) is not coupled


def test_a_prepared_network_is_cut_and_a_bad_image_stays_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model, x = rw.wrap(Coupled(coupled=False), size=8, name="net"), batch(64)
    x[40, 1, 2, 3] = float("nan")
    seen = []
    each = chunks.each_at_once

    def watched(work: object, jobs: list[Tensor]) -> list[Tensor]:
        seen.append([len(job) for job in jobs])
        return each(work, jobs)  # type: ignore[arg-type]

    with torch.no_grad():
        monkeypatch.setattr(chunks, "each_at_once", watched)
        got = model.logits(x)
        monkeypatch.setattr(chunks, "MARK", "none")
        wanted = model.logits(x)
    assert seen == [[32, 32]]
    assert got.isnan().any(1).nonzero().flatten().tolist() == [40]
    torch.testing.assert_close(got, wanted, equal_nan=True, rtol=1e-5, atol=1e-6)


class Uneven(Coupled):
    """Gives other last bits in batches of fewer than ``bound`` images, as other kernels do."""

    def __init__(self, bound: int, *, backward: bool) -> None:
        super().__init__(coupled=False)
        self.bound, self.backward = bound, backward

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        if len(x) >= self.bound:
            return out
        moved = out * (1 + 2**-22)
        return out.detach() + moved - moved.detach() if self.backward else moved


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("bound", [FEWEST, FEWEST + 1, 8, LEAST])
def test_chunks_are_small_only_where_no_bit_depends_on_it(bound: int, backward: bool) -> None:
    torch.manual_seed(0)
    net, x = Uneven(bound, backward=backward), torch.randn(4, 3, 8, 8)
    assert _least(net, x) == (FEWEST if bound == FEWEST else LEAST)
    assert torch.get_num_threads() == 2


def test_networks_that_take_long_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = Uneven(FEWEST, backward=False), torch.randn(4, 3, 8, 8)
    size = 64 * sum(part.numel() for part in net.parameters())
    for small, least in ((size - 1, LEAST), (size, FEWEST)):
        monkeypatch.setattr(fuse, "SMALL", small)
        assert _least(net, x) == least


@pytest.mark.shared
@pytest.mark.parametrize("count", [5, 8, 9, 13, 23, 31])
def test_few_images_have_the_same_bits_on_one_thread_and_on_two(shared: Path, count: int) -> None:
    weights = shared / "models" / "cifar10_resnet20_at.pt"
    model = load(f"torch:{NETS}:resnet20(checkpoint={weights}, size=32)")
    assert getattr(model.module, MARK) == FEWEST  # type: ignore[attr-defined]
    x = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(count))
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(value_and_gradient(model, margin, x, Goal(torch.arange(count) % 10)))
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
