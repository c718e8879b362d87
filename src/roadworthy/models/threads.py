"""One thread for arithmetic that is too short to share, all of them again for the models it asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

SHORT = 2**20
"""Numbers of a batch from which on an operation takes longer than to wake the other threads."""


class _Held(threading.local):
    """How many threads stand aside for `one_thread`, and all there are; None outside of it."""

    threads: int | None = None


_HELD = _Held()


@contextmanager
def one_thread(x: Tensor) -> Iterator[None]:
    """Let torch compute with one thread where ``x`` is a small batch on a CPU; models get `all_threads`."""
    if _HELD.threads is not None or x.device.type != "cpu" or x.numel() > SHORT:
        yield
        return
    _HELD.threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(_HELD.threads)
        _HELD.threads = None


@contextmanager
def all_threads() -> Iterator[None]:
    """Give torch the threads back that `one_thread` took, for a while."""
    if _HELD.threads is None:
        yield
        return
    before = torch.get_num_threads()  # all of them inside of another such block
    torch.set_num_threads(_HELD.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
