"""The setting of the allocator: memory that was freed is taken again without new pages."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from roadworthy.engine.allocator import keep_memory

told = keep_memory()
np.ones(1 << 23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(1 << 23)  # 64 MiB
print(int(told), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(switch: str | None) -> tuple[int, int]:
    """Return whether the allocator was told, and the page faults of taking and freeing 20 blocks."""
    environment = {k: v for k, v in os.environ.items() if k != "ROADWORTHY_KEEP_MEMORY"}
    if switch is not None:
        environment["ROADWORTHY_KEEP_MEMORY"] = switch
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    told, faults = ended.stdout.split()
    return int(told), int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")
def test_freed_memory_is_kept_unless_it_is_switched_off() -> None:
    told, kept = _faults(None)
    left_alone, given_back = _faults("0")
    assert (told, left_alone) == (1, 0)
    assert given_back > 10 * max(kept, 1)
