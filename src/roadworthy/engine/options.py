"""What a run is asked for, beyond models, data and stresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from roadworthy.errors import UsageError

DEFAULT_BATCH_SIZE = 32

Precision = Literal["fp32", "bf16"]
Executor = Literal["serial", "processes"]
Adapt = Literal["resize", "pad_crop"]


@dataclass(frozen=True)
class Options:
    """Options of a run; the names are those of the command line."""

    limit: int | None = None
    seed: int = 0
    device: str = "cpu"
    batch_size: int | Literal["auto"] = "auto"
    precision: Precision = "fp32"
    executor: Executor = "serial"
    retry_failed: bool = False
    until: str | None = None
    transfer: bool = False
    adapt: Adapt = "resize"
    keep: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit must be at least 1, not {self.limit}")
        if self.batch_size != "auto" and self.batch_size < 1:
            raise UsageError(f"batch size must be 'auto' or at least 1, not {self.batch_size}")
        if self.until is not None:
            from roadworthy.engine.until import parse_until

            parse_until(self.until)
        if self.adapt != "resize" and not self.transfer:
            raise UsageError(
                f"adapt={self.adapt} says how models see each other's frames; add transfer"
            )

    @property
    def forward_batch(self) -> int:
        """Samples in one forward pass."""
        return DEFAULT_BATCH_SIZE if self.batch_size == "auto" else self.batch_size


def cores() -> int:
    """Return how many cores this process may use; ``OMP_NUM_THREADS`` makes it fewer."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(own, int(asked)) if asked.isdecimal() and int(asked) else own
