"""Whether attacks of a run found another class nearer than CLEVER says that it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from roadworthy.metrics.seen import empty_columns
from roadworthy.run import CellRecord
from roadworthy.studies.collect import norm_in

FLAG = "clever_above_distance"

SHARE = 0.1
"""Share of the images on which CLEVER may be above what attacks found without a warning."""

CLOSE = 1.01
"""A score that is larger than the distance by less is as good as equal: so exact is a fit."""

NORMS = ("linf", "l2", "l1")
Key = tuple[str, str, str]
"""Data, judge and the model in whose frame the images are."""


@dataclass
class Overtaken:
    """Scores of CLEVER, and what attacks of any kind found on the same images of the same model."""

    wanted: bool = True
    scores: dict[Key, dict[tuple[str, str], pl.DataFrame]] = field(default_factory=dict)
    found: dict[Key, list[pl.DataFrame]] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Iterable[CellRecord]) -> Overtaken:
        """Return one that notes nothing where no cell is of CLEVER: attacks may be many."""
        return cls(any(cell.stress.startswith("clever") for cell in cells))

    def add(self, cell: CellRecord, model: str, usable: pl.DataFrame) -> None:
        """Note the usable records of a cell, if it is CLEVER or an attack on the model itself."""
        if not self.wanted:
            return
        key, empty = (cell.data, model, cell.frame), empty_columns(usable)
        if "clever" not in empty:
            scored = usable.filter(pl.col("clever").is_not_null())
            for (variant,), rows in scored.group_by("variant", maintain_order=True):
                kept = rows.select("sample", "target", "clever").with_columns(
                    pl.col("target").cast(pl.Int64)
                )
                self.scores.setdefault(key, {})[cell.stress, str(variant)] = kept
        if "success" not in empty and "l2" not in empty:
            # An input that fools the model bounds its distance to the class that it is taken for,
            # whichever norm and target the attack had.
            broken = usable.filter((pl.col("status") == "ok") & (pl.col("pred") != pl.col("label")))
            attacked = broken.filter(pl.col("success").is_not_null())
            self.found.setdefault(key, []).append(
                attacked.select("sample", pl.col("pred", *NORMS).cast(pl.Float64))
            )

    def rows(self) -> list[dict[str, str]]:
        """Return a warning for each model and CLEVER of which more than a tenth cannot be true."""
        worst: dict[tuple[str, str, str], tuple[int, int]] = {}
        for key, stress, above, compared in self.counts():
            data, model, _ = key
            known = worst.get((model, data, stress), (0, 1))
            if above > SHARE * compared and above * known[1] > known[0] * compared:
                worst[model, data, stress] = above, compared
        return [
            {"model": model, "data": data, "stress": stress, "flag": FLAG, "text": _text(*counted)}
            for (model, data, stress), counted in worst.items()
        ]

    def counts(self) -> Iterator[tuple[Key, str, int, int]]:
        """Yield for each variant of CLEVER on how many images it is above, of how many compared.

        Compared are the images that some attack took to another class, to the target of CLEVER if
        it has one.
        """
        for key, variants in self.scores.items():
            attacks = self.found.get(key)
            if not attacks:
                continue
            found = pl.concat(attacks)
            for (stress, variant), scores in variants.items():
                distance = pl.col(norm_in(stress, variant).lower())
                both = scores.join(found, on="sample").filter(
                    pl.col("target").is_null() | (pl.col("target") == pl.col("pred"))
                )
                each = both.group_by("sample").agg(distance.min(), pl.col("clever").first())
                above = each.filter(pl.col("clever") > CLOSE * distance)
                yield key, stress, above.height, each.height


def _text(above: int, compared: int) -> str:
    return (
        f"attacks of this run found another class nearer than CLEVER says that it is on {above} of "
        f"{compared} images: random points near an image miss the steepest slopes, which attacks "
        "follow, so that the score is no lower bound here; believe the distances that were found; "
        "a larger radius, more batches and draws find steeper slopes"
    )
