"""Worst images: the most confidently wrong, and those right when clean that a stress broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadworthy.report.cells import label_of
from roadworthy.report.names import AXES, axis_of, clean_text
from roadworthy.report.thumbnail import thumbnail
from roadworthy.report.view import View

if TYPE_CHECKING:
    import polars as pl

MOST_THUMBNAILS = 50
_KEYS = ["model", "data", "sample"]


@dataclass(frozen=True)
class Picture:
    """One image with what the model said; ``uri`` is None where the file is gone or unreadable."""

    uri: str | None
    sample: str
    model: str
    where: str
    label: str
    pred: str
    confidence: str


@dataclass(frozen=True)
class Group:
    """Pictures of one axis under one heading."""

    axis: str
    title: str
    pictures: list[Picture]


def worst_images(view: View, flat: pl.DataFrame, *, images: int = 6) -> list[Group]:
    """Return the worst images of every axis, ``images`` in each group, 50 pictures in all.

    ``flat`` are the records as ``flat.judged`` returns them. An image appears once per axis, under
    the stress where the model was most confident of the wrong class.
    """
    import polars as pl

    stresses = flat["stress"].drop_nulls().unique().to_list()
    axes = {stress: axis_of(stress) for stress in stresses}
    known = flat.with_columns(
        axis=pl.col("stress").replace_strict(axes, default="other", return_dtype=pl.String)
    )
    right = known.filter((pl.col("axis") == "clean") & pl.col("correct")).select(_KEYS).unique()
    wrong = known.filter(~pl.col("correct") & pl.col("conf").is_not_nan()).sort(
        "conf", "model", "data", "sample", "stress", "variant", descending=[True] + [False] * 5
    )
    pictures = _Pictures(view)
    groups = []
    for axis in AXES:
        own = wrong.filter(pl.col("axis") == axis).unique(
            subset=["data", "sample"], keep="first", maintain_order=True
        )
        worst = own.head(images)
        broken = own.join(right, on=_KEYS, how="semi", maintain_order="left")
        broken = broken.join(worst, on=["data", "sample"], how="anti", maintain_order="left")
        for title, chosen in (
            ("Most confidently wrong", worst),
            ("Right when clean, wrong under the stress", broken.head(images)),
        ):
            shown = pictures.of(chosen.to_dicts())
            if shown:
                groups.append(Group(AXES[axis], title, shown))
    return groups


class _Pictures:
    """Makes pictures until the page has enough of them."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.left = MOST_THUMBNAILS

    def of(self, rows: Sequence[dict[str, Any]]) -> list[Picture]:
        """Return the pictures of ``rows``, as many as the page still takes."""
        taken = rows[: self.left]
        self.left -= len(taken)
        return [self._one(row) for row in taken]

    def _one(self, row: dict[str, Any]) -> Picture:
        frame = f"frame {row['frame']}" if row["frame"] is not None else ""
        stress = label_of(row["stress"] or "", row["variant"] or "")
        where = " · ".join(filter(None, (stress, frame)))
        model = row["model"] or ""
        return Picture(
            uri=thumbnail(self.view.image(row["data"] or "", row["sample"] or "")),
            sample=clean_text(row["sample"]),
            model=clean_text(model),
            where=clean_text(where),
            label=self._name(model, row["label"]),
            pred=self._name(model, row["pred"]),
            confidence=f"{100 * row['conf']:.0f} %" if row["conf"] is not None else "–",
        )

    def _name(self, model: str, label: int | None) -> str:
        return "–" if label is None else clean_text(self.view.class_name(model, label), limit=120)
