"""What a report needs to know of a results folder, and nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import polars as pl


class View(Protocol):
    """A results folder as the report sees it.

    ``summary`` is the content of summary.json; ``runs`` one dictionary per invocation with
    ``command``, ``started``, ``versions`` and ``hardware``. Any of them may be incomplete.
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

    def rows(self) -> pl.DataFrame:
        """Return all records, with the columns of ``roadworthy.engine.records.SCHEMA``."""

    def image(self, data: str, sample: str) -> bytes | None:
        """Return the encoded bytes of one sample; None where it is gone."""

    def class_name(self, model: str, label: int) -> str:
        """Return the name of output ``label`` of ``model``."""
