"""The smallest change over several attacks that look for it: the best of each for every image."""

from __future__ import annotations

import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.attacked import is_minimal, norm_of
from roadworthy.metrics.base import Estimate, Rows
from roadworthy.metrics.distances import changes_of, median_change
from roadworthy.metrics.robustness import area, areas
from roadworthy.metrics.suite import SuiteCells, suite_metric


def smallest_changes(cells: SuiteCells) -> pl.DataFrame | None:
    """Return sample and value: the smallest change that any attack found."""
    rows = _joined(cells)
    norm = None if rows is None else norm_of(rows)
    return None if rows is None or norm is None else changes_of(rows, norm)


def smallest_areas(cells: SuiteCells) -> pl.DataFrame | None:
    """Return sample and value: the area under the curve of each sample, a share of the largest."""
    rows = _joined(cells)
    return None if rows is None else areas(rows)


@suite_metric(
    unit="none",
    direction="higher",
    kind="attacks",
    paper="cina2025",
    contributions=smallest_changes,
    statistic="median",
)
def worst_case_median(cells: SuiteCells) -> Estimate | None:
    """Median over images of the smallest change that any of several attacks found, in their norm.

    Over attacks that look for the smallest change on one model within one norm, target rule, frame
    and precision, and only over the samples that all of them finished: ``n`` is how many of these
    are right when clean. Failures of all count as infinity, as for ``median_l2``. One attack alone
    may do badly on one model: gradients that mislead it need not mislead another. None for attacks
    with a budget. Cinà et al., "AttackBench", AAAI 2025.
    """
    rows = _joined(cells)
    norm = None if rows is None else norm_of(rows)
    return None if rows is None or norm is None else median_change(rows, norm)


@suite_metric(
    unit="percent",
    direction="higher",
    kind="attacks",
    paper="cina2025",
    contributions=smallest_areas,
)
def worst_case_area(cells: SuiteCells) -> Estimate | None:
    """Area under the curve of robust accuracy over the budget, of the best of several attacks.

    As ``curve_area``, of the smallest change that any of the attacks found for an image; over the
    same attacks and samples as ``worst_case_median``. Cinà et al., "AttackBench", AAAI 2025.
    """
    rows = _joined(cells)
    return None if rows is None else area(rows)


def _joined(cells: SuiteCells) -> Rows | None:
    """Return the rows of all attacks on the samples that all finished; None if one has a budget."""
    attacks = [cells.rows[stress] for stress in cells.members() if stress in cells.rows]
    norms = {norm_of(rows) for rows in attacks}
    if len(attacks) < 2 or len(norms) > 1 or not all(map(is_minimal, attacks)):
        return None
    common = attacks[0].select("sample").unique()
    for rows in attacks[1:]:
        common = common.join(rows.select("sample").unique(), on="sample", how="semi")
    if common.is_empty():
        raise UsageError("no sample was finished by all attacks")
    return pl.concat(rows.join(common, on="sample", how="semi") for rows in attacks)
