"""``python -m bench [--quick] [--list] [NAME…]``: run races, print lines, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import table
from bench.harness import BenchError, run
from bench.machine import BUSY_LOAD, description, load
from bench.ratios import Line, lines
from bench.rows import races

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> int:
    """Run what is asked for; returns 1 if a side failed, sides differ or a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="races whose name starts so; all if none is given")
    parser.add_argument("--quick", action="store_true", help="small and few rounds; writes nothing")
    parser.add_argument("--list", action="store_true", help="only name the races")
    parser.add_argument("--rounds", type=int, help="rounds of every race")
    asked = parser.parse_args()
    chosen = [r for r in races(quick=asked.quick) if r.name.startswith(tuple(asked.names or [""]))]
    if asked.list:
        print("\n".join(race.name for race in chosen))
        return 0
    if not chosen:
        print(f"error: no race is called {' or '.join(asked.names)}; see --list", file=sys.stderr)
        return 2
    start_load, failed, machine = load(), False, description()
    if start_load > BUSY_LOAD:
        print(f"warning: load {start_load:.1f}: the machine is busy, lines will be marked")
    for race in chosen:
        print(f"{race.name}: {race.note}")
        if race.missing:
            print(f"  skipped: {race.missing}")
            continue
        try:
            outcome = run(race, rounds=2 if asked.quick else asked.rounds)
        except BenchError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        found = lines(race, outcome, start_load=start_load, when=when)
        failed |= any(line.met is False for line in found)
        _show(found, machine, write=not asked.quick)
    return int(failed)


def _show(found: list[Line], machine: dict[str, str], *, write: bool) -> None:
    shown = [{**asdict(line), "machine": machine} for line in found]
    print("\n".join(row for row in table.page(shown).splitlines() if row.startswith("|")))
    if write:
        merged = table.merge(DOCS / "benchmarks.json", found, machine)
        (DOCS / "benchmarks.md").write_text(table.page(merged), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
