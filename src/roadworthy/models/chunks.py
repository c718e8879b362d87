"""A batch in chunks, one thread each: cheaper than all threads on every layer of a small network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from threading import Barrier
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEAST, FEWEST, MOST = 16, 4, 64
"""Images of a chunk. Of fewer than `LEAST` oneDNN may take other kernels, whose last bits are others; a
network for which it was seen not to goes in chunks of `FEWEST`, below which kernels do differ."""

MARK = "roadworthy_in_chunks"
"""What a network has that may go in chunks: the least number of images in one."""

MadeT = TypeVar("MadeT")


def bounds(count: int, threads: int, *, least: int = LEAST) -> list[tuple[int, int]]:
    """Return where the chunks of a batch begin and end: as many for each thread, as alike as can be.

    One alone where they would be smaller than ``least``; so on many cores, where a layer is worth
    sharing, and where a thread waits for Python while each of the others begins a layer.
    """
    least = max(least, min(threads // 2, LEAST))
    chunks = threads * -(-count // (threads * MOST)) if count >= threads * least else 1
    edges = [count * i // chunks for i in range(chunks + 1)]
    return list(pairwise(edges))


def cut(module: nn.Module, count: int) -> list[tuple[int, int]]:
    """Return the chunks in which a CPU passes ``count`` images through ``module``; one if in none."""
    fewest = _fewest(module)
    return bounds(count, torch.get_num_threads(), least=fewest) if fewest else [(0, count)]


def _fewest(module: nn.Module) -> int:
    """Return how many images a chunk for ``module`` has to have, 0 where there are to be none."""
    fewest = int(getattr(module, MARK, 0))
    if not fewest or fewest == LEAST:
        return fewest
    if torch.is_autocast_enabled("cpu") or next(module.parameters()).dtype != torch.float32:
        return LEAST  # whether bits are the same was looked up for float32 alone
    return fewest


def alone(module: nn.Module, count: int) -> bool:
    """Whether a CPU passes ``count`` images through ``module`` in chunks, each on one thread."""
    return len(cut(module, count)) > 1


def threads() -> tuple[ThreadPoolExecutor, int]:
    """Return the threads that chunks run on, for whatever is to use one core each; and how many."""
    count = torch.get_num_threads()
    return _pool(count, os.getpid()), count


def in_chunks(
    module: nn.Module, x: Tensor, *, before: Callable[[Tensor], Tensor] = lambda part: part
) -> Any:
    """Return ``module(before(x))``; of a marked network on a CPU chunk by chunk, each on one thread.

    The layers of small networks are too short for several threads to share: they wait for each other
    longer than they compute. The gradient is that of the whole; a second one cannot be taken.
    ``before`` treats every image by itself.
    """

    def judged(part: Tensor) -> Any:
        return module(before(part))

    if x.device.type != "cpu":
        return judged(x)
    parts, fewest = cut(module, len(x)), _fewest(module)
    # The layers of a small network are too short to be shared at all where images are few.
    few = len(x) < 2 * fewest < 2 * LEAST and torch.get_num_threads() > 1
    if len(parts) == 1 and not few:
        return judged(x)
    if torch.is_grad_enabled() and x.requires_grad:
        return _Chunks.apply(x, judged, parts)
    return torch.cat(each_at_once(judged, [x[a:b] for a, b in parts]))


class _Chunks(torch.autograd.Function):
    """The chunks with their gradients."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, judged: Callable[[Tensor], Tensor], cut: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Compute the logits, and keep the graph of each chunk."""

        def kept(part: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                leaf = part.detach().requires_grad_()
                return leaf, judged(leaf)

        ctx.parts, ctx.cut = each_at_once(kept, [x[a:b] for a, b in cut]), cut
        return torch.cat([out.detach() for _, out in ctx.parts])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient with respect to the batch."""

        def pulled(job: tuple[tuple[Tensor, Tensor], tuple[int, int]]) -> Tensor:
            (leaf, out), (a, b) = job
            # Kept, since a caller may ask for the gradient of another class through the same pass.
            found: Tensor = torch.autograd.grad(out, leaf, gradient[a:b], retain_graph=True)[0]
            return found

        jobs = list(zip(ctx.parts, ctx.cut, strict=True))
        return torch.cat(each_at_once(pulled, jobs)), None, None


def each_at_once(work: Callable[[Any], MadeT], jobs: Sequence[Any]) -> list[MadeT]:
    """Return what ``work`` makes of each job, as many at once as torch has threads."""
    threads = torch.get_num_threads()
    if threads == 1:  # long batches are cheaper in chunks there, too, but need no other thread
        return [work(job) for job in jobs]
    settings = _settings()

    def alike(job: Any) -> MadeT:
        with _under(*settings):
            return work(job)

    return list(_pool(threads, os.getpid()).map(alike, jobs))


def _settings() -> tuple[bool, bool, bool, torch.dtype]:
    """Return what torch keeps for each thread: grad and inference mode, autocast and its type."""
    autocast = torch.is_autocast_enabled("cpu")
    type_of = torch.get_autocast_dtype("cpu")
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), autocast, type_of


@contextmanager
def _under(grad: bool, inference: bool, autocast: bool, dtype: torch.dtype) -> Iterator[None]:
    with (
        torch.inference_mode(inference),
        torch.set_grad_enabled(grad),
        torch.autocast("cpu", dtype=dtype, enabled=autocast),
    ):
        yield


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork has none of them
    """Return the threads of this process, each of which has one core for itself."""
    there = Barrier(threads + 1)

    def begin() -> None:
        # A team that is never used again: with more threads than cores libgomp lets idle ones sleep
        # at once; otherwise those of the caller spin for milliseconds on the cores of the chunks.
        torch.set_num_threads(threads)
        torch.ones(1 << 20).add_(1.0)
        torch.set_num_threads(1)
        there.wait()

    pool = ThreadPoolExecutor(threads, "roadworthy-chunk", initializer=begin)
    for _ in range(threads):
        pool.submit(int)
    there.wait()
    torch.set_num_threads(threads)  # MKL has one setting for all threads, the last one given
    return pool
