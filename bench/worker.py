"""The process of one side: sets up, then runs once for every line it is sent."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.race import Work


def main() -> None:
    """Read ``warm 0`` or ``go 0`` from standard input and answer one line of JSON to each."""
    # Whatever a side prints goes to standard error: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(sys.argv[1])
    if request["keep_memory"]:
        from roadworthy.engine.allocator import keep_memory

        keep_memory()
    works = [_set_up(side) for side in request["sides"]]
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        order, _, index = line.strip().partition(" ")
        work = works[int(index)]
        if order == "warm" and work.warm is not None:
            work.warm()
            print(json.dumps({"warm": True}), file=answers)
        else:
            print(json.dumps(timed(work)), file=answers)


def _set_up(side: dict[str, Any]) -> Work:
    module, _, name = side["start"].partition(":")
    work: Work = getattr(importlib.import_module(module), name)(**side["arguments"])
    return work


def timed(work: Work) -> dict[str, Any]:
    """Run once and return wall and processor seconds (with children) and the answer."""
    first = spent()
    gc.collect()
    cpu, began = spent(), time.perf_counter()
    result = work.run()
    seconds, used = time.perf_counter() - began, spent() - cpu
    found = {"seconds": seconds, "cpu": used, "parts": work.parts(result)}
    return {**found, "answer": work.answer(result), "all_cpu": spent() - first}


def spent(pid: int | str = "self") -> float:
    """Return processor seconds of a process and of all its children, alive or ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = " ".join(p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:  # no such file system, or the child has just ended
        times = os.times()
        return sum(times[:4]) if pid == "self" else 0.0
    own = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(spent(child) for child in children.split())


if __name__ == "__main__":
    main()
