"""Batches in chunks: the same logits and gradients, on other threads; only where images are alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.models import chunks
from roadworthy.models.chunks import LEAST, MARK, MOST, bounds, in_chunks


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


def network(*, marked: bool = True) -> Watched:
    torch.manual_seed(0)
    net = Watched()
    setattr(net, MARK, marked)
    return net


def batch(count: int) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(count))


@given(st.integers(1, 2000), st.integers(1, 64))
def test_chunks_follow_each_other_and_are_alike(count: int, threads: int) -> None:
    cut = bounds(count, threads)
    assert [a for a, _ in cut] == [0, *(b for _, b in cut[:-1])]
    assert cut[-1][1] == count
    sizes = [b - a for a, b in cut]
    assert max(sizes) - min(sizes) <= 1
    if count < threads * LEAST:
        assert len(cut) == 1
    else:
        assert len(cut) % threads == 0
        assert min(sizes) >= LEAST
        assert max(sizes) <= MOST


@pytest.mark.parametrize("count", [31, 32, 53, 128, 200])
def test_logits_are_those_of_the_whole(count: int) -> None:
    net, x = network(), batch(count)
    with torch.no_grad():
        got = in_chunks(net, x)
        calls = list(net.calls)
        torch.testing.assert_close(got, net(x), rtol=1e-5, atol=1e-6)
    cut = bounds(count, 2)
    assert sorted(size for _, size, *_ in calls) == sorted(b - a for a, b in cut)
    on_pool = [name.startswith("roadworthy-chunk") for name, *_ in calls]
    assert all(on_pool) if len(cut) > 1 else not any(on_pool)
    assert {threads for *_, threads in calls} == ({1} if len(cut) > 1 else {2})
    assert torch.get_num_threads() == 2


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
    net = network(marked=False)
    with torch.no_grad():
        in_chunks(net, batch(64))
    assert [size for _, size, *_ in net.calls] == [64]


def test_an_error_in_a_chunk_is_that_of_the_network() -> None:
    class Broken(Watched):
        def forward(self, x: Tensor) -> Tensor:
            raise MemoryError("all gone")

    net = Broken()
    setattr(net, MARK, True)
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
    assert getattr(model.module, MARK, None) is (not coupled)


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
