"""Published tables of errors, one YAML file each."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from roadworthy import _yaml
from roadworthy.baselines.base import SEVERITIES, Baseline


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int
    source: str
    frame: str
    store: str | None = None
    clean_error: float | None = None
    errors: dict[str, tuple[float, float, float, float, float]] = {}
    flips: dict[str, float] = {}
    top5_distances: dict[str, float] = {}


def read_table(name: str, path: Path) -> Baseline:
    """Return the table in a file of this package, all in percent."""
    table = _Table(**_yaml.load(path.read_text(encoding="utf-8")))
    errors = {
        stress: dict(zip(SEVERITIES, values, strict=True))
        for stress, values in table.errors.items()
    }
    return Baseline(name=name, **{**dict(table), "errors": errors})
