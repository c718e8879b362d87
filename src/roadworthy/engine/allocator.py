"""Telling the C library to keep the memory that networks free and take again at once."""

from __future__ import annotations

import ctypes
import os
import platform

SWITCH = "ROADWORTHY_KEEP_MEMORY"

# Names and numbers of glibc's mallopt(3).
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
KEPT_BYTES = 1 << 30
PAD_BYTES = 64 << 20


def keep_memory() -> bool:
    """Stop glibc from giving freed blocks back to the kernel; returns whether it was told.

    By default large blocks go back at every free and are faulted in again at the next allocation,
    which doubles the time of a forward pass on a CPU. Only for processes of our own, only on Linux
    with glibc; ``ROADWORTHY_KEEP_MEMORY=0`` leaves the allocator alone.
    """
    if os.environ.get(SWITCH, "1") == "0" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    told = mallopt(TRIM_THRESHOLD, KEPT_BYTES) and mallopt(TOP_PAD, PAD_BYTES)
    # Older releases take no mmap threshold above 32 MiB.
    return bool(told and (mallopt(MMAP_THRESHOLD, KEPT_BYTES) or mallopt(MMAP_THRESHOLD, 32 << 20)))
