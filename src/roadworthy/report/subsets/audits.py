"""What a run says of sufficient input subsets: one audit for each model, data set and threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from roadworthy.errors import RoadworthyError
from roadworthy.report.cells import Cell, distinct, label_of
from roadworthy.report.evidence import Evidence, whole
from roadworthy.report.names import short_names, spec_and_precision
from roadworthy.report.reading import Reading
from roadworthy.stress.reference import is_clean

if TYPE_CHECKING:
    import polars as pl

    from roadworthy.stress.bound import Stress


@dataclass(frozen=True)
class Audit:
    """Subsets at the threshold of ``variant`` of one model on one data set, with their controls.

    ``cells`` are all that the summary says of the stress, by variant. ``title`` tells audits apart, and
    is empty where there is one; ``order`` tells apart what does not hang on the threshold. ``about``
    names the model where the page has several.
    """

    model: str
    data: str
    stress: str
    variant: str
    title: str
    order: str
    about: str
    cells: Mapping[str, Cell] = field(repr=False)
    evidence: Evidence = field(repr=False)

    @property
    def spec(self) -> str:
        """The spec of the model, without the precision that it is judged in."""
        return spec_and_precision(self.model)[0]

    @property
    def cell(self) -> Cell | None:
        """The subsets themselves; None where there are none."""
        return self.cells.get(self.variant)

    def reading(self, metric: str, variant: str | None = None) -> Reading | None:
        """Return a metric of the subsets themselves, or of ``variant``; None where not measured."""
        cell = self.cells.get(self.variant if variant is None else variant)
        found = None if cell is None else cell.readings.get(metric)
        return None if found is None or found.value is None else found

    def controls(self) -> Iterator[tuple[str, Cell]]:
        """Yield the controls of this threshold: ``dilated``, ``baseline=zero`` ..., with their cells."""
        for variant, cell in self.cells.items():
            text = variant.removeprefix(f"{self.variant},")
            if text != variant and text.startswith(("control=", "baseline=", "subset=")):
                yield text.removeprefix("control="), cell

    def fractions(self, *, random: bool) -> Iterator[tuple[float, Cell]]:
        """Yield the fixed fractions of the pixels with their cells: of subsets, or of random ones."""
        start = "control=random_subset,fraction=" if random else "fraction="
        _, _, others = self.variant.partition(",")
        for variant, cell in self.cells.items():
            text = variant.removeprefix(start).removesuffix(others).rstrip(",")
            if variant.startswith(start) and text.replace(".", "", 1).isdigit():
                yield float(text), cell

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The records of the stress on the model by itself; none where they are gone."""
        import polars as pl

        every = whole(self.evidence.subsets)
        own = pl.col("source").fill_null(pl.col("model")) == pl.col("model")
        same = (pl.col("data") == self.data) & (pl.col("stress") == self.stress)
        return every.filter(own & same & (pl.col("model") == self.spec))

    @cached_property
    def own(self) -> pl.DataFrame:
        """The records of the subsets themselves, at the threshold; usable ones alone."""
        import polars as pl

        from roadworthy.metrics.catalogue import USABLE

        known = pl.col("status").is_in(USABLE) & pl.col("kept").is_not_null()
        return self.rows.filter(known & (pl.col("variant") == self.variant))

    @cached_property
    def clean(self) -> pl.DataFrame:
        """What the model says of the whole images."""
        import polars as pl

        from roadworthy.metrics.catalogue import USABLE

        try:
            rows = whole(self.evidence.view.rows(is_clean))
        except RoadworthyError:
            return self.rows.clear()
        own = (pl.col("model") == self.spec) & (pl.col("data") == self.data)
        plain = pl.col("source").is_null() & (pl.col("precision").fill_null("fp32") == "fp32")
        usable = rows.filter(own & plain & pl.col("status").is_in(USABLE))
        return usable.unique("sample", keep="first", maintain_order=True)


def audits(evidence: Evidence) -> list[Audit]:
    """Return every threshold of every stress that ranks pixels, of each model and data set."""
    found: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for cell in evidence.every:
        if cell.axis == "overinterpretation" and cell.source in ("", cell.model):
            found.setdefault((cell.model, cell.data, cell.stress), {})[cell.variant] = cell
    keys = [
        (model, data, spec, setting)
        for model, data, spec in found
        if (one := ranking_of(spec)) is not None
        for setting in dict.fromkeys(s.key for s in one.settings)
    ]
    named = short_names([label_of(spec, variant) for _, _, spec, variant in keys], 60)
    specs = short_names([spec for _, _, spec, _ in keys], 60)
    made = []
    for model, data, spec, variant in keys:
        who = evidence.who(model, data, "")
        texts = (named[label_of(spec, variant)] * (len(named) > 1), specs[spec] * (len(specs) > 1))
        title, order = (" · ".join(filter(None, (who, text))) for text in texts)
        about = evidence.models.get(model, model) if len(evidence.models) > 1 else ""
        cells = found[model, data, spec]
        made.append(Audit(model, data, spec, variant, title, order, about, cells, evidence))
    return made


def ranking_of(spec: str) -> Stress | None:
    """Return a stress that ranks pixels; None for any other, and for what is none here."""
    from roadworthy.stress.bound import stress

    try:
        one = stress(spec)
    except (RoadworthyError, ImportError):
        return None
    return one if one.definition.ranking is not None else None


def stresses_of(found: Sequence[Audit]) -> list[str]:
    """Return the stresses of audits, in order of appearance."""
    return distinct(one.stress for one in found)
