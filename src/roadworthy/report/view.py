"""What a report needs to know of a results folder, or of several, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from roadworthy.report.quiz.answers import Sheet


Ranks = Mapping[str, Mapping[str, "NDArray[Any]"]]
"""Arrays of one sample by what was wanted of a model, such as an order of pixels."""


class View(Protocol):
    """A results folder as the report sees it.

    ``summary`` is the content of summary.json; ``runs`` one dictionary per invocation with
    ``command``, ``started``, ``versions`` and ``hardware``; ``failures`` what failures.jsonl holds.
    Any of them may be incomplete. ``problems`` are sentences about the run itself.
    """

    @property
    def folder(self) -> Path:
        """The folder of the run."""

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""

    @property
    def runs(self) -> list[dict[str, Any]]:
        """What each invocation said of itself."""

    @property
    def failures(self) -> list[dict[str, Any]]:
        """One entry for each image that failed: data, sample, reasons."""

    @property
    def problems(self) -> list[str]:
        """What a reader must know of the run itself: unfinished, damaged, empty."""

    def rows(self, wanted: Callable[[str], bool] | None = None) -> pl.DataFrame:
        """Return the records of all stresses, or of those ``wanted``, in the columns of ``SCHEMA``."""

    @property
    def cache(self) -> Path | None:
        """A folder in which what was measured of images may be kept; None where there is none."""

    def listed(self, data: str) -> pl.DataFrame:
        """Return sample and columns (JSON) of the samples of a data set; empty where unknown."""

    def image(self, data: str, sample: str) -> bytes | None:
        """Return the encoded bytes of one sample; None where it is gone."""

    def artifact(self, entry: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """Return what an attack made of a sample, (3, H, W) in 0 to 1; None where it was not kept.

        ``entry`` is one of ``images`` in the summary: it names the file, the sample and the variant.
        """

    def ranked(self, entry: Mapping[str, Any]) -> Ranks | None:
        """Return what a model made of a sample by the name of what was wanted of it, as arrays (1, …).

        ``entry`` is a record of subsets: it names the file and the sample. None where it is gone.
        """

    @property
    def answers(self) -> Sequence[Sheet]:
        """What people said of subsets that the run holds."""

    def class_name(self, model: str, label: int) -> str:
        """Return the name of output ``label`` of ``model``."""
