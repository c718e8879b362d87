"""Running a race: every side in its own process, one at a time, in turn, round by round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from bench.machine import Others, busy_seconds, load
from bench.race import Lap, Race, Side

REST_SECONDS = 0.3
"""Pause between laps: threads of the last side stop spinning before the next one starts."""


class BenchError(Exception):
    """A side died, or the sides do not agree."""


@dataclass(frozen=True)
class Outcome:
    """The laps of every side by round, what was found equal, and who else used the machine."""

    laps: dict[str, list[Lap]]
    agreed: str
    others: float
    load_before: float
    load_after: float


class Contender:
    """One side or several in a process; asked for one lap at a time, idle in between."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self.sides = {side.name: index for index, side in enumerate(sides)}
        first = sides[0]
        wanted = [{"start": side.start, "arguments": dict(side.arguments)} for side in sides]
        request = {"keep_memory": first.keep_memory, "sides": wanted}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **first.environment},
            text=True,
        )

    def __enter__(self) -> Contender:
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def lap(self, name: str, order: Literal["warm", "go"]) -> dict[str, Any]:
        """Run a side once; returns seconds, cpu and answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order} {self.sides[name]}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            names = "' and '".join(self.sides)
            raise BenchError(f"side '{names}' ended (exit code {code}), see above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(race: Race, *, rounds: int | None = None, say: Callable[[str], None] = print) -> Outcome:
    """Warm every side up once, then let all take turns; raises BenchError where one dies or differs.

    Sides are set up one after the other and stay alive, so that every lap meets the same warm
    process, and a drift of the machine meets all sides alike.
    """
    load_before, others = load(), Others()
    laps: dict[str, list[Lap]] = {side.name: [] for side in race.sides}
    answers: dict[str, Any] = {}
    with ExitStack() as stack:
        groups = [race.sides] if race.together else [(side,) for side in race.sides]
        contenders = {
            side.name: contender
            for group in groups
            for contender in [stack.enter_context(Contender(group))]
            for side in group
        }
        for name, contender in contenders.items():
            contender.lap(name, "warm")
        for _ in range(rounds or race.rounds):
            for name, contender in contenders.items():
                time.sleep(REST_SECONDS)
                busy, began = busy_seconds(), time.perf_counter()
                answer = contender.lap(name, "go")
                wall, after = time.perf_counter() - began, busy_seconds()
                worked = None if busy is None or after is None else after - busy
                others.add(wall, worked, answer["all_cpu"])
                laps[name].append(Lap(answer["seconds"], answer["cpu"], answer["parts"]))
                answers[name] = answer["answer"]
            say("  " + "  ".join(f"{n} {found[-1].seconds:.2f}" for n, found in laps.items()))
    try:
        agreed = race.check(answers)
    except AssertionError as error:
        raise BenchError(f"the sides of '{race.name}' do not agree: {error}") from None
    return Outcome(laps, agreed, others.cores, load_before, load())
