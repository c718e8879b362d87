"""The trade-off: natural against adversarial robustness, over models."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Column, Entry, Row, Text, plain_table
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section
from roadworthy.report.tradeoffs import TradeoffTables, tradeoff_figures, tradeoff_tables

PAIRS = (
    "What another training of one architecture changes, + for better and − for worse, in the unit of "
    "each score; bold where the two intervals do not overlap."
)
CORRELATIONS = (
    "Spearman's rank correlation over models, inside each group alone: pooled, the distance between "
    "the groups would pass for a correlation."
)


@section(title="Trade-off: natural against adversarial robustness", place=650)
def tradeoff(evidence: Evidence) -> list[Block]:
    """Draw one score against the other, and list changes by training and rank correlations."""
    found = tradeoff_tables(evidence.summary)
    if found is None:
        return []
    made: list[Block] = [*tradeoff_figures(evidence.summary), *_pairs(found)]
    made += _correlations(found)
    if found.left_out > 0:
        more = "1 more score is" if found.left_out == 1 else f"{found.left_out} more scores are"
        made.append(Text(f"{more} in summary.json.", "soft"))
    return made


def _pairs(found: TradeoffTables) -> list[Block]:
    columns = [Column(name) for name in ("architecture", "from", "to")]
    columns += [Column(score, number=True) for score in found.scores]
    rows = [
        Row(
            [
                *map(Entry, (architecture, before, after)),
                *(Entry(text, number=True, strong=clear) for text, clear in changes),
            ]
        )
        for architecture, before, after, changes in found.pairs
    ]
    return [*plain_table(columns, rows, caption=PAIRS)]


def _correlations(found: TradeoffTables) -> list[Block]:
    columns = [Column(name) for name in ("models", "natural", "adversarial")]
    columns += [Column("n", number=True), Column("rank correlation", number=True)]
    rows = [
        Row(
            [
                Entry(group),
                *map(Entry, (natural, adversarial)),
                Entry(n, number=True),
                Entry(rho, interval, number=True),
            ]
        )
        for group, natural, adversarial, n, rho, interval in found.correlations
    ]
    return [*plain_table(columns, rows, caption=CORRELATIONS)]
