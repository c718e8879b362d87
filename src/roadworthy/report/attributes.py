"""By what samples are put into groups: columns of their data, what files say, what images show."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import polars as pl

MOST_GROUPS = 12
SMALLEST = 5
"""Groups with fewer samples say nothing."""
QUARTERS = (0.25, 0.5, 0.75)


def groups(samples: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """Yield each attribute of ``samples`` with the group of every sample, null where it is in none.

    All columns but sample, label and correct are attributes. Numbers of many values become quarters;
    texts of many values stay out, and so does what names the class itself.
    """
    for name in samples.columns:
        if name in ("sample", "content", "label", "correct", "stressed", "pictures"):
            continue
        found = _groups(samples[name], samples["label"])
        if found is not None:
            yield name, found


def columns_of(listed: pl.DataFrame) -> pl.DataFrame:
    """Return sample and the columns of the data, from a list of samples that holds these as JSON."""
    told = listed.filter(pl.col("columns") != "{}")
    rows = []
    for sample, text in told.select("sample", "columns").iter_rows():
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            rows.append({"sample": sample, **{f"{k}": _plain(v) for k, v in found.items()}})
    names = dict.fromkeys(name for row in rows for name in row)
    texts = {name: [row.get(name) for row in rows] for name in names}
    return pl.DataFrame(texts, schema=dict.fromkeys(["sample", *names], pl.String), strict=False)


def _plain(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _groups(values: pl.Series, labels: pl.Series) -> pl.Series | None:
    known = values.drop_nulls()
    if values.dtype == pl.String:
        numbers = known.cast(pl.Float64, strict=False)
        if numbers.null_count() == 0 and known.n_unique() > MOST_GROUPS:
            return _quarters(values.cast(pl.Float64, strict=False))
        return _named(values, labels)
    return _quarters(values.cast(pl.Float64)) if known.n_unique() > 1 else None


def _named(values: pl.Series, labels: pl.Series) -> pl.Series | None:
    """Return texts as groups; None where they are names of samples or of classes, or all the same."""
    known = pl.DataFrame({"value": values, "label": labels}).drop_nulls("value")
    count = known["value"].n_unique()
    if not 1 < count <= max(MOST_GROUPS, len(known) // SMALLEST):
        return None
    pure = known.group_by("value").agg(pl.col("label").n_unique())["label"].max()
    if pure == 1 and known["label"].n_unique() > 1:
        return None
    common = known["value"].value_counts(sort=True)["value"].head(MOST_GROUPS)
    other = pl.when(pl.col("value").is_in(common.to_list())).then("value")
    whole = pl.DataFrame({"value": values})
    named = pl.when(pl.col("value").is_not_null()).then(pl.coalesce(other, pl.lit("others")))
    return whole.select(named.alias(values.name)).to_series()


def _quarters(values: pl.Series) -> pl.Series | None:
    """Return numbers as four groups of about one size, named by their ends."""
    finite = values.to_numpy()[np.isfinite(values.fill_null(np.nan).to_numpy())]
    if np.unique(finite).size < 2:
        return None
    edges = np.unique(np.quantile(finite, QUARTERS))
    place = np.searchsorted(edges, values.fill_null(np.nan).to_numpy(), side="left")
    names = []
    for number in range(edges.size + 1):
        own = finite[np.searchsorted(edges, finite, side="left") == number]
        names.append(f"{own.min():.3g} to {own.max():.3g}" if own.size else "")
    return pl.Series(
        [
            names[i] if known else None
            for i, known in zip(place.tolist(), values.is_not_null().to_list(), strict=True)
        ],
        dtype=pl.String,
    )
