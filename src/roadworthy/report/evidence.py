"""What sections and rules are written from: the view of a run, and what several of them need of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from roadworthy.errors import RoadworthyError
from roadworthy.report.cells import Cell, cells
from roadworthy.report.matrix import of_themselves, own_cells
from roadworthy.report.names import axis_of, clean_text, model_names
from roadworthy.report.points import Who, who_of
from roadworthy.report.view import View

if TYPE_CHECKING:
    import polars as pl


def whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with all columns of the schema, missing ones as null."""
    import polars as pl

    from roadworthy.engine.records import SCHEMA

    absent = [name for name in SCHEMA if name not in rows.columns]
    return rows.with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in absent)


@dataclass(frozen=True)
class Evidence:
    """A run as the sections of its page see it; what they share is computed once.

    ``images`` is the number of pictures in each group of the gallery.
    """

    view: View
    images: int = 6

    @property
    def summary(self) -> Mapping[str, Any]:
        """What summary.json holds; any of it may be missing or damaged."""
        return self.view.summary

    @cached_property
    def run(self) -> Mapping[str, Any]:
        """What the summary says of the run itself."""
        found = self.summary.get("run")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def every(self) -> list[Cell]:
        """All cells, those of transfer included."""
        return cells(self.summary)

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells about models by themselves: without inputs that were handed on."""
        return own_cells(self.every)

    @cached_property
    def models(self) -> dict[str, str]:
        """The models in order of appearance, by spec, each with a short name."""
        return model_names([cell.model for cell in self.every], 48)

    @cached_property
    def who(self) -> Who:
        """How a judge is named."""
        return who_of(self.cells)

    @cached_property
    def subsets(self) -> pl.DataFrame:
        """The records of subsets of pixels, whoever made and judged them; none where they are gone."""
        from roadworthy.engine.records import SCHEMA

        try:
            return whole(self.view.rows(lambda stress: axis_of(stress) == "overinterpretation"))
        except RoadworthyError:
            return SCHEMA.to_frame()

    @cached_property
    def _attacks(self) -> tuple[pl.DataFrame, str]:
        from roadworthy.engine.records import SCHEMA

        try:
            rows = self.view.rows(lambda stress: axis_of(stress) == "adversarial")
        except RoadworthyError as error:
            return SCHEMA.to_frame(), f"The records cannot be read: {error}"
        return of_themselves(whole(rows), self.every), ""

    @property
    def attacks(self) -> pl.DataFrame:
        """The records of attacks on models by themselves, in all columns of the schema."""
        return self._attacks[0]

    @property
    def problems(self) -> list[str]:
        """What is wrong with the run in words."""
        said = [*self.view.problems, self._attacks[1]]
        return [clean_text(text) for text in said if text]
