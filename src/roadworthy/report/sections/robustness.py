"""Adversarial attacks: curves over budget and strength, smallest changes, queries, cascades."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.report import marks
from roadworthy.report.blocks import (
    Block,
    Column,
    Entry,
    Heading,
    Row,
    Text,
    plain_table,
    shown,
)
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.levels import level_points, other
from roadworthy.report.points import eps_of, norm_of
from roadworthy.report.robustness import Cascade, cascades, robustness_figures
from roadworthy.report.sections.base import section
from roadworthy.report.tables import results

CHANGES = (
    "Medians over the images that are right when clean, of the smallest change that reached the goal; "
    "where the attack failed it counts as infinite, and a median that is infinite is left out. Pixels "
    "are in 0 to 1; per pixel is divided by height x width x channels. Success is in percent of the "
    "attacked images."
)
QUERIES = (
    "Attacks that only ask the model: success in percent of the attacked images by that many queries, "
    "an answer to one image being one query, and the median number of queries, where failures count "
    "as infinite. What goes beyond the queries that were allowed is left out."
)
CASCADE = (
    "Which attack broke how many images, one after the other, and the robust accuracy that each of "
    "them left."
)
NEAREST = "Which attack found the smallest change of how many images; each was run on all of them."
NORMS = (("Linf", "Linf, in 1/255"), ("L2", "L2, pixels in 0 to 1"))


@section(title="Adversarial attacks", place=400)
def robustness(evidence: Evidence) -> list[Block]:
    """Draw robust accuracy over budget and strength, and list what each attack needed."""
    made: list[Block] = [*robustness_figures(evidence.attacks, evidence.who)]
    made = made or [*_of_summary(evidence)]
    made += results(evidence, about="changes", caption=CHANGES)
    made += results(evidence, about="queries", caption=QUERIES)
    for one in cascades(evidence.attacks, evidence.who):
        made += _cascade(one)
    return made


def _of_summary(evidence: Evidence) -> Iterator[Figure]:
    """Draw what the summary alone says of budgets, where there are no records."""
    found, who = evidence.cells, evidence.who
    own = [c for c in found if c.axis == "adversarial"]
    metric = "robust_top1" if any(c.value("robust_top1") is not None for c in own) else "top1"
    drawn = False
    for norm, unit in NORMS:
        here = [c for c in found if c.axis == "clean" or (c in own and norm_of(c) == norm)]
        points = level_points("adversarial", here, who, eps_of, metric)
        if points:
            drawn = True
            title = f"eps ({unit}); 0 is clean"
            chart = marks.curves(points, x=title, y="accuracy under attack, %")
            caption = "Percent of images still right under attack, over the attack's budget."
            yield Figure(f"Accuracy over eps ({norm})", caption, chart)
    if not drawn:
        yield from other(own, who)


def _cascade(one: Cascade) -> Iterator[Block]:
    yield Heading(code=one.title)
    yield Text(NEAREST if one.nearest else CASCADE, "soft")
    counts = ("nearest", "of all, %") if one.nearest else ("broken", "of all, %", "robust left, %")
    columns = [Column("attack"), *(Column(text, number=True) for text in counts)]
    rows = [
        Row(
            [
                Entry(name or "wrong when clean", code=bool(name)),
                Entry(str(broken), number=True),
                shown(share),
                *([] if one.nearest else [shown(left)]),  # all were run at once: nothing is left
            ]
        )
        for name, broken, share, left in one.rows
    ]
    yield from plain_table(columns, rows)
