"""Sides for tests of the harness: they sleep, count, print, die."""

from __future__ import annotations

import os
import time

from bench.race import Work


def sleeper(seconds: float, answer: int = 0) -> Work:
    return Work(lambda: time.sleep(seconds), answer=lambda _: answer)


def counter(log: str, who: str) -> Work:
    """Appends its name and process to a file at every run, and prints where answers must not go."""

    def run() -> int:
        print("noise on standard output")
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{who} {os.getpid()}\n")
        return 0

    return Work(run, answer=lambda _: os.environ.get("BENCH_TEST_WORD"))


def brief(log: str, who: str) -> Work:
    """As `counter`, but is warmed up by something shorter."""
    return Work(counter(log, who).run, warm=counter(log, "warm").run)


def burner(seconds: float) -> Work:
    """Uses a processor in a child process that ends."""

    def run() -> None:
        child = os.fork()
        if child == 0:
            end = time.process_time() + seconds
            while time.process_time() < end:
                pass
            os._exit(0)
        os.waitpid(child, 0)

    return Work(run)


def dying() -> Work:
    return Work(lambda: os._exit(3))
