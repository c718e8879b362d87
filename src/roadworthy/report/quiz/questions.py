"""What people are asked: each image once, as one of the subsets that the model was judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from roadworthy.errors import RoadworthyError
from roadworthy.metrics.catalogue import USABLE
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import clean_text
from roadworthy.report.opened import Opened
from roadworthy.run import Run
from roadworthy.seed import digest

Row = Mapping[str, Any]
Kind = tuple[str, str, str]
"""Model, stress and variant: pictures that are counted together."""


@dataclass(frozen=True)
class Quizzed:
    """The subsets of a run that people can be asked about, and the names that they may give."""

    run: Run

    @cached_property
    def view(self) -> Opened:
        """The run as its page sees it."""
        return Opened(self.run)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The records that people can be asked about, see `asked`."""
        return asked(Evidence(self.view).subsets)

    def names(self, model: str) -> list[tuple[int, str]]:
        """Return what people may say: each name once with its class, in the order of the classes."""
        found: dict[str, int] = {}
        for label, name in enumerate(self.run.class_names(model)):
            found.setdefault(clean_text(name), label)
        return [(label, name) for name, label in found.items()]

    def chosen(self) -> Iterator[Row]:
        """Yield a record of each image, in an order without meaning, all kinds of pictures as often.

        An image is asked for once: whoever has seen half of it knows a twentieth of it. Raises
        RoadworthyError where there is nothing to ask.
        """
        if self.rows.is_empty():
            raise RoadworthyError(
                f"'{self.run.folder}' holds no subsets that people could be asked about; `run` makes "
                "some with -s 'sis(threshold=0.9)'"
            )
        for model in self.rows["model"].unique().sort():
            if len(self.names(model)) < 2:
                raise RoadworthyError(
                    f"people cannot be asked for the classes of '{model}': they have no names; take "
                    "data or a model that name theirs"
                )
        images: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.rows.sort("model", "stress", "variant").iter_rows(named=True):
            images.setdefault((row["data"], row["sample"]), []).append(row)
        counts: Counter[Kind] = Counter()
        for image in sorted(images, key=lambda image: digest("quiz", *image)):
            row = min(images[image], key=lambda row: counts[kind_of(row)])
            counts[kind_of(row)] += 1
            yield row


def asked(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the records that people can be asked about, each picture once, with its ``question``.

    These are subsets that a model made and judged itself, no controls. The name of a question says
    nothing of the class; it hangs on what made the order, on the variant and on the bytes of the
    image, so that answers find their picture again whatever became of the run.
    """
    own = pl.col("source").fill_null(pl.col("model")) == pl.col("model")
    known = pl.col("status").is_in(USABLE) & pl.col("kept").is_not_null()
    found = rows.filter(own & known & pl.col("control").is_null() & (pl.col("artifact") != ""))
    parts = found.select("artifact", "variant", "sample", "content").iter_rows()
    named = [
        digest("question", PurePosixPath(made).parent.name, *map(str, rest), size=8)
        for made, *rest in parts
    ]
    found = found.with_columns(question=pl.Series(named, dtype=pl.String))
    return found.unique("question", keep="first", maintain_order=True)


def kind_of(row: Row) -> Kind:
    """Return with which other pictures one is counted."""
    return row["model"], row["stress"], row["variant"]
