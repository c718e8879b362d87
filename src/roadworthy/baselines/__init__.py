"""Baselines: published tables of errors by name, and any run as the baseline of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.baselines.base import Baseline
from roadworthy.errors import UsageError, did_you_mean

__all__ = ["Baseline", "baselines", "load_baseline"]


def baselines() -> dict[str, Path]:
    """Return the published tables: file by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}


def load_baseline(
    text: str, stresses: Sequence[str] = (), *, base: str | Path | None = None
) -> Baseline:
    """Return what errors are divided by: a published table by name, or a run by its folder.

    A run may be given as its folder or as its ``summary.json``, relative to ``base``; it must have
    exactly one model on one data set with all of ``stresses``. Those are the specs that will be
    divided: each must be in the baseline, in the same frame and store. Raises UsageError that names
    what is missing.
    """
    published = baselines()
    if text in published:
        from roadworthy.baselines.published import read_table

        found = read_table(text, published[text])
    else:
        from roadworthy.baselines.from_run import read_run

        path = Path(base or ".", text).expanduser()
        if not path.exists():
            raise UsageError(
                f"no baseline is called '{text}'{did_you_mean(text, published)}, and there is no "
                f"folder of a run {path}; the published ones are {', '.join(published)}"
            )
        found = read_run(text, path, stresses)
    for stress in stresses:
        found.check_has(stress)
    return found
