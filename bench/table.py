"""The results, kept as JSON beside the Markdown page that is made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.ratios import Line

INTRODUCTION = """\
# Benchmarks

Written by `make bench`; the sides and the plain scripts are in [bench/](../bench/). Sides take turns
(A B A B …), each in a process of its own, warmed up once; a ratio is taken within each round, and the
table shows the median and the range over the rounds. "×" is how many times faster we are, "of" our
time as a part of the other's, "s" plain seconds. The ratio of processor time (user and system, all
processes of a side) stands beside it: it suffers less from neighbours. Lines marked † were taken while
other processes used the machine: do not rely on them.
"""

UNIT = {"speedup": " ×", "overhead": " of", "seconds": " s"}
SIGN = {"speedup": "≥", "overhead": "≤", "seconds": "≤"}


def merge(path: Path, new: Sequence[Line], machine: Mapping[str, str]) -> list[dict[str, Any]]:
    """Put new lines in the place of those of the same name in the JSON file, and return all.

    Other lines of the same races are dropped: these have no such comparisons any more.
    """
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    fresh = {line.name: {**asdict(line), "machine": dict(machine)} for line in new}
    gone = {line.race for line in new}
    old = [line for line in old if line["name"] in fresh or line["race"] not in gone]
    kept = [fresh.pop(line["name"], line) for line in old]
    merged = [*kept, *fresh.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return merged


def page(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown page: one table, then each machine that its lines were taken on."""
    machines: list[Mapping[str, str]] = []
    for line in lines:
        if line["machine"] not in machines:
            machines.append(line["machine"])
    rows = [
        "| what | against | ratio | range | processor time | target | met | our time | when |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(line, machines.index(line["machine"]) + 1) for line in lines),
    ]
    notes = dict.fromkeys(f"- {line['race']}: {line['note']}" for line in lines if line["note"])
    about = [
        f"{number}. " + "; ".join(f"{key}: {value}" for key, value in machine.items())
        for number, machine in enumerate(machines, 1)
    ]
    return "\n".join(
        [
            INTRODUCTION,
            *rows,
            "",
            "## What is compared",
            "",
            *notes,
            "",
            "## Machines",
            "",
            *about,
            "",
        ]
    )


def _row(line: Mapping[str, Any], machine: int) -> str:
    unit, digits = UNIT[line["kind"]], 3 if line["kind"] == "overhead" else 2
    bound = "" if line["bound"] is None else f"{SIGN[line['kind']]} {line['bound']:g}{unit}"
    met = {None: "", True: "yes", False: "**no**"}[Line(**_own(line)).met]
    mark = " †" if line["disturbed"] else ""
    where = f"{line['when']}, machine {machine}, others {line['others']:.2f} cores"
    cells = [
        line["name"] + (f" ({line['agreed']})" if line["agreed"] else ""),
        line["against"] or "nothing",
        f"{line['median']:.{digits}f}{unit}{mark}",
        f"{line['low']:.{digits}f} to {line['high']:.{digits}f}, {line['rounds']} rounds",
        f"{line['cpu']:.{digits}f}{unit}",
        bound,
        met,
        _time(line["seconds"]),
        where,
    ]
    return f"| {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.2f} ms"


def _own(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "machine"}
