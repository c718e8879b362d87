"""The state of the machine: what it is, and who else is using it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from roadworthy.engine.allocator import SWITCH
from roadworthy.evaluation import versions

BUSY_LOAD = 1.5
BUSY_CORES = 0.25


def description() -> dict[str, str]:
    """Return processor, cores, system, versions and the allocator setting, as text."""
    allocator = "left alone" if os.environ.get(SWITCH) == "0" else "keeps memory (our sides)"
    return {
        "processor": processor(),
        "bf16 instructions": "yes" if has_bf16() else "no",
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
        "allocator": f"{'-'.join(platform.libc_ver())}, {allocator}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
    }


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def has_bf16() -> bool:
    """Whether the processor multiplies in bfloat16 itself; without, bf16 is slower than float32."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in text or "amx_bf16" in text


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def busy_seconds() -> float | None:
    """Return seconds that all cores together have worked, or were taken by the hypervisor."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


@dataclass
class Others:
    """How many cores others used, over the time that sides were running."""

    wall: float = 0.0
    cores_seconds: float = 0.0

    def add(self, wall: float, busy: float | None, own: float) -> None:
        """Count one lap: all work on the machine less that of the side that ran."""
        if busy is not None:
            self.wall += wall
            self.cores_seconds += max(0.0, busy - own)

    @property
    def cores(self) -> float:
        """Cores in use by other processes, on average."""
        return self.cores_seconds / self.wall if self.wall else 0.0


def disturbed(others: float, load_before: float) -> bool:
    """Whether times taken under these circumstances are doubtful."""
    return others > BUSY_CORES or load_before > BUSY_LOAD
