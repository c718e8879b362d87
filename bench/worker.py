"""The process of one side: sets up, then runs once for every line it is sent."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from typing import Any

from bench.race import Work


def main() -> None:
    """Read ``go`` or ``end`` from standard input and answer one line of JSON to each ``go``."""
    # Whatever a side prints goes to standard error: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(sys.argv[1])
    if request["keep_memory"]:
        from roadworthy.engine.allocator import keep_memory

        keep_memory()
    module, _, name = request["start"].partition(":")
    work: Work = getattr(importlib.import_module(module), name)(**request["arguments"])
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        if line.strip() != "go":
            return
        print(json.dumps(timed(work)), file=answers)


def timed(work: Work) -> dict[str, Any]:
    """Run once and return wall and processor seconds (with reaped children) and the answer."""
    first = spent()
    gc.collect()
    cpu, began = spent(), time.perf_counter()
    result = work.run()
    seconds, used = time.perf_counter() - began, spent() - cpu
    answer = work.answer(result)
    return {"seconds": seconds, "cpu": used, "answer": answer, "all_cpu": spent() - first}


def spent() -> float:
    """Return processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
