"""What the page shows of single pictures, counted for the summary: so the page needs no records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.metrics.seen import empty_columns
from roadworthy.report.frames import Frames
from roadworthy.report.judgements import judgements
from roadworthy.report.reliability import Reliability
from roadworthy.report.worst import WorstImages
from roadworthy.run import CellRecord


@dataclass
class Judged:
    """Reliability, accuracy over frames, and the worst images of a run."""

    reliability: Reliability = field(default_factory=Reliability)
    frames: Frames = field(default_factory=Frames)
    worst: WorstImages = field(default_factory=WorstImages)

    def add(
        self,
        cell: CellRecord,
        model: str,
        records: pl.DataFrame,
        clean: pl.DataFrame | None,
        images: pl.DataFrame,
    ) -> None:
        """Count the records of a cell, whose samples are numbers of rows of ``images``.

        These have the ids of all samples and what they contain, sample and content.
        """
        judged = judgements(records)
        # subsets of all sizes and their controls are no one thing
        if "kept" in empty_columns(records):
            self.reliability.add(cell, model, judged)
        self.frames.add(cell, model, judged)
        self.worst.add(cell, model, judged, clean, images)

    def results(self) -> dict[str, list[dict[str, Any]]]:
        """Return the entries of the summary by their names."""
        return {
            "reliability": self.reliability.found,
            "frames": self.frames.found,
            "images": self.worst.results(),
        }
