"""Large batches on a processor in pieces side by side: a thread a piece beats all threads on one."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from roadworthy.models.classifier import TorchClassifier

PIECE = 32
"""Images in a piece: on a ResNet-20 larger ones are no faster with one thread, smaller ones slower."""

LEAST = 48
"""Below so many images there is one piece. Neither depends on the machine, so that results do not."""

Piece = Callable[[TorchClassifier, slice], tuple[Tensor, ...]]

_copies: WeakKeyDictionary[TorchClassifier, tuple[TorchClassifier, ...]] = WeakKeyDictionary()


def pieces_of(model: object, x: Tensor) -> list[slice]:
    """Return the pieces in which a batch goes through ``model``; none if it goes as a whole.

    Only networks of ours go in pieces, and only those without random numbers of their own: what
    these draw would depend on which piece is first.
    """
    count = len(x)
    if count < LEAST or x.device.type != "cpu" or not isinstance(model, TorchClassifier):
        return []
    if "+stochastic" in model.id:
        return []
    number = -(-count // PIECE)
    edges = [count * i // number for i in range(number + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


def side_by_side(work: Piece, model: object, pieces: Sequence[slice]) -> tuple[Tensor, ...]:
    """Return what ``work(copy of the model, piece)`` gives for every piece, joined in their order."""
    assert isinstance(model, TorchClassifier)  # others have no pieces
    copies = _copies_of(model, len(pieces))
    if _threads() == 1:
        found = [work(one, piece) for one, piece in zip(copies, pieces, strict=True)]
    else:
        found = list(_pool().map(work, copies, pieces))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def logits_in_pieces(model: object, x: Tensor, pieces: Sequence[slice]) -> Tensor:
    """Return the logits of a batch that goes in pieces, without a graph."""

    def piece(one: TorchClassifier, rows: slice) -> tuple[Tensor, ...]:
        with torch.no_grad():  # a mode of each thread
            return (one.logits(x[rows]),)

    return side_by_side(piece, model, pieces)[0]


def _copies_of(model: TorchClassifier, count: int) -> tuple[TorchClassifier, ...]:
    """Return as many copies that share all tensors: networks may keep things while they compute."""
    known = _copies.get(model, ())
    if len(known) < count:
        shared = {id(t): t for t in (*model.module.parameters(), *model.module.buffers())}
        more = [
            replace(model, module=copy.deepcopy(model.module, dict(shared)))
            for _ in range(count - len(known))
        ]
        known = _copies[model] = (*known, *more)
    return known[:count]


def _threads() -> int:
    return torch.get_num_threads()


@cache
def _pool() -> ThreadPoolExecutor:
    # The number of threads belongs to each thread; that of the caller stays as it is.
    threads = _threads()
    pool = ThreadPoolExecutor(threads, "pieces", initializer=torch.set_num_threads, initargs=(1,))
    os.register_at_fork(after_in_child=_pool.cache_clear)
    return pool
