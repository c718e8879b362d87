"""Who is compared with whom: models by name or one each, data sets likewise, cells by their spec."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.report.names import model_names, short_names
from roadworthy.run import CellRecord, Run


@dataclass(frozen=True)
class Matched:
    """One judge and one data set in two runs, and their cells by what they have in common.

    ``only`` are the stresses of one run alone, of the first and of the second.
    """

    models: tuple[str, str]
    data: tuple[str, str]
    cells: Sequence[tuple[CellRecord, CellRecord]]
    only: tuple[Sequence[str], Sequence[str]]


def matched(a: Run, b: Run, *, models: tuple[str | None, str | None]) -> list[Matched]:
    """Return what can be compared in two runs; raises UsageError where there is nothing.

    ``models`` name one model of each run. Where that leaves one in each they are compared whatever
    they are called, else those of one name; so are data sets.
    """
    judges = [list(dict.fromkeys(cell.judge for cell in run.cells)) for run in (a, b)]
    for run, known in zip((a, b), judges, strict=True):
        if not known:
            raise UsageError(f"nothing was judged in '{run.folder}' yet, so there is no comparison")
    chosen = [
        found if name is None else [named(name, found, f"model of '{run.folder}'")]
        for name, found, run in zip(models, judges, (a, b), strict=True)
    ]
    pairs = _pairs(chosen[0], chosen[1], "model", "name one of each with --model-a and --model-b")
    renamed = dict(pairs)
    found = []
    for first, second in pairs:
        own = [
            [cell for cell in run.cells if cell.judge == judge]
            for run, judge in ((a, first), (b, second))
        ]
        sets = [list(dict.fromkeys(cell.data for cell in cells)) for cells in own]
        hint = "compare runs on the same images"
        for data in _pairs(sets[0], sets[1], "data set", hint):
            of_data = [
                [cell for cell in cells if cell.data == name]
                for cells, name in zip(own, data, strict=True)
            ]
            found.append(_matched((first, second), data, of_data[0], of_data[1], renamed))
    if not any(one.cells for one in found):
        raise UsageError(
            f"no stress was run in both: the first has {_listed(found[0].only[0])}, "
            f"the second {_listed(found[0].only[1])}"
        )
    return found


def named(text: str, known: Sequence[str], kind: str) -> str:
    """Return the one of ``known`` that is called ``text``, or the only one that has it in its name.

    Names as tables and the page show them will do as well.
    Raises UsageError with the nearest name where there is none, and where there are several.
    """
    if text in known:
        return text
    called = {**short_names(known, 60), **model_names(known, 60)}
    near = [name for name in known if called[name] == text] or [
        name for name in known if text and text.lower() in name.lower()
    ]
    if len(near) == 1:
        return near[0]
    if near:
        raise UsageError(f"'{text}' may be any {kind} of {_listed(near)}; give more of its name")
    parts = [part for name in known for part in re.findall(r"\w+", name)]
    hint = did_you_mean(text, [*known, *parts])
    raise UsageError(f"no {kind} is called '{text}'{hint or f'; there is {_listed(known)}'}")


def _pairs(a: Sequence[str], b: Sequence[str], kind: str, hint: str) -> list[tuple[str, str]]:
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    both = [(name, name) for name in a if name in b]
    if not both:
        raise UsageError(
            f"the runs have no {kind} in common: the first has {_listed(a)}, the second "
            f"{_listed(b)}; {hint}"
        )
    return both


def _matched(
    models: tuple[str, str],
    data: tuple[str, str],
    a: Sequence[CellRecord],
    b: Sequence[CellRecord],
    renamed: Mapping[str, str],
) -> Matched:
    second = {(cell.stress, cell.source, cell.frame): cell for cell in b}
    keys = [(c.stress, renamed.get(c.source, c.source), renamed.get(c.frame, c.frame)) for c in a]
    both = [(cell, second[key]) for cell, key in zip(a, keys, strict=True) if key in second]
    alone = [cell.stress for cell, key in zip(a, keys, strict=True) if key not in second]
    other = [cell.stress for key, cell in second.items() if key not in keys]
    return Matched(models, data, both, (alone, other))


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = [f"'{name}'" for name in short_names(names, 60).values()]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return (", ".join(shown[:most]) or "nothing") + more
