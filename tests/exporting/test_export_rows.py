from __future__ import annotations

import io
import json
from typing import Any

import polars as pl
from export_fakes import MODEL, OTHER, row, summary
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.exporting import rows

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("model", "data", "variant", "unit"), TEXT),
        "source": st.none() | TEXT,
        **dict.fromkeys(("stress", "metric"), TEXT.filter(bool)),
        **dict.fromkeys(("value", "low", "high"), NUMBER),
        **dict.fromkeys(("n", "failed", "version"), st.integers(0, 10**9)),
    }
)


@settings(deadline=None, max_examples=50)
@given(st.lists(ROW, max_size=4))
def test_what_is_written_is_read_back_equal(listed: list[dict[str, Any]]) -> None:
    frame = rows.rows_of({"rows": listed})
    assert frame.to_dicts() == [{name: one[name] for name in rows.SCHEMA} for one in listed]
    read = pl.read_csv(io.StringIO(rows.csv(frame)), schema=rows.SCHEMA)
    assert read.to_dicts() == frame.to_dicts()
    assert json.loads(rows.as_json(frame.to_dicts())) == frame.to_dicts()
    assert pl.read_parquet(io.BytesIO(rows.parquet(frame))).equals(frame)


def test_columns_and_order_are_those_of_the_summary() -> None:
    given_ = summary(MODEL, OTHER)
    frame = rows.rows_of(given_)
    assert frame.to_dicts() == given_["rows"]
    assert list(json.loads(rows.as_json(frame.to_dicts()))[0]) == list(given_["rows"][0])
    # a column without any value is of the same type as one with
    assert rows.rows_of({"rows": [row("clean", "", "top1", None)]}).schema == frame.schema


def test_a_damaged_summary_loses_what_cannot_be_read_and_nothing_else() -> None:
    good = row("clean", "", "top1", 50.0, 40.0, 60.0)
    broken = [{**good, "value": "50", "n": None, "low": True}, {**good, "metric": None}, 7, "x"]
    found = rows.rows_of({"rows": [*broken, good]}).to_dicts()
    assert found == [{**good, "value": None, "n": 0, "low": None}, good]
    assert rows.rows_of({"rows": None}).is_empty()
    assert rows.rows_of({}).schema == rows.SCHEMA
