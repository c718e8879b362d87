"""Whether images made for another model beat attacks on the model itself: a sign of masked gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from roadworthy.metrics.mcnemar import Discordant, exact_mcnemar
from roadworthy.run import CellRecord

CERTAIN = 0.01
"""Chance, over all comparisons of a model under one attack, below which a lead is none of luck."""

FLAG = "transfer_wins"
Key = tuple[str, str, str, str]
"""Data, stress, variant and judge."""


@dataclass(frozen=True)
class Lead:
    """How often images of another source fooled a judge, and those of the same attack on itself."""

    source: str
    theirs: int
    own: int
    pairs: Discordant

    @property
    def chance(self) -> float:
        """The chance of such a lead if the attack on the model itself is no weaker; one-sided."""
        lost, gained = self.pairs.lost, self.pairs.gained
        return exact_mcnemar(lost, gained) / 2 if gained > lost else 1.0


@dataclass
class Masking:
    """Verdicts under each attack by who made the images, where a model judged several makers' ones."""

    found: dict[Key, dict[str, pl.DataFrame]] = field(default_factory=dict)

    def add(self, cell: CellRecord, model: str, records: pl.DataFrame) -> None:
        """Note the records of a cell, if it is an attack: those of images that were right before."""
        attacked = records.filter(pl.col("success").is_not_null())
        for (variant,), rows in attacked.group_by("variant", maintain_order=True):
            key = (cell.data, cell.stress, str(variant), model)
            judged = rows.select("sample", "success").unique("sample", keep="first")
            self.found.setdefault(key, {})[cell.source] = judged

    def rows(self) -> list[dict[str, str]]:
        """Return a warning for each model that another one's images fool more often under an attack."""
        worst: dict[tuple[str, str, str], Lead] = {}
        for (data, stress, _, model), sources in self.found.items():
            for lead in _leads(sources):
                known = worst.get((model, data, stress))
                if known is None or lead.chance < known.chance:
                    worst[model, data, stress] = lead
        return [
            {"model": model, "data": data, "stress": stress, "flag": FLAG, "text": _text(lead)}
            for (model, data, stress), lead in worst.items()
            if lead.chance < CERTAIN / self._trials(data, stress, model)
        ]

    def _trials(self, data: str, stress: str, model: str) -> int:
        own = [s for key, s in self.found.items() if (*key[:2], key[3]) == (data, stress, model)]
        return max(1, sum(len(sources) - 1 for sources in own))


def _leads(sources: dict[str, pl.DataFrame]) -> Iterator[Lead]:
    """Yield what every other source does beside the attack on the model itself, on the same images."""
    own = sources.get("")
    for source, rows in sources.items():
        if not source or own is None:
            continue
        both = own.join(rows, on="sample", suffix="_other")
        mine, theirs = both["success"], both["success_other"]
        pairs = Discordant(int((mine & ~theirs).sum()), int((~mine & theirs).sum()), both.height)
        yield Lead(source, int(theirs.sum()), int(mine.sum()), pairs)


def _text(lead: Lead) -> str:
    return (
        f"images that the same attack made for '{lead.source}' fool this model on {lead.theirs} of "
        f"{lead.pairs.n} images, those made for itself on {lead.own}: its gradients are masked, and its "
        "accuracy under this attack says too much; take the lower accuracy, and attack it by bpda(…), "
        "eot(…) or without gradients (square)"
    )
