"""Strengths that no golden cell covers: the tables of 64 and 299, as the specification prints them."""

from __future__ import annotations

import pytest

from roadworthy.stress import STRESSES

PRINTED = {
    ("snow", 299): "(.1,.3,3,.5,10,4,.8) (.2,.3,2,.5,12,4,.7) (.55,.3,4,.9,12,8,.7) "
    "(.55,.3,4.5,.85,12,8,.65) (.55,.3,2.5,.85,12,12,.55)",
    ("snow", 64): "(.1,.2,1,.6,8,3,.8) (.1,.2,1,.5,10,4,.8) (.15,.3,1.75,.55,10,4,.7) "
    "(.25,.3,2.25,.6,12,6,.65) (.3,.3,1.25,.65,14,12,.6)",
    ("frost", 299): "(1,.4,1) (.8,.6,1) (.7,.7,1) (.65,.7,1) (.6,.75,1)",
    ("frost", 64): "(1,.3,.3) (.9,.4,.3) (.8,.45,.3) (.75,.5,.3) (.7,.55,.3)",
    ("fog", 299): "(1.5,2) (2,2) (2.5,1.8) (2.5,1.6) (3,1.5)",
    ("fog", 64): "(.4,3) (.7,3) (1,2.5) (1.5,2) (2,1.75)",
    ("spatter", 299): "(.65,.3,4,.69,.9,0) (.65,.3,3.5,.68,.9,0) (.65,.3,3,.68,.8,0) "
    "(.65,.3,1.2,.65,1.8,1) (.67,.4,1.2,.65,1.8,1)",
    ("spatter", 64): "(.62,.1,.7,.7,.6,0) (.65,.1,.8,.7,.6,0) (.65,.3,1,.69,.6,0) "
    "(.65,.1,.7,.68,.6,1) (.65,.1,.5,.67,.6,1)",
}


@pytest.mark.parametrize(("name", "table"), PRINTED, ids=str)
def test_a_table_is_the_printed_one(name: str, table: int) -> None:
    levels = STRESSES.get(name).levels
    assert levels is not None
    rows = []
    for row in PRINTED[name, table].split():
        values = [float(text) for text in row.strip("()").split(",")]
        if name == "spatter":
            *drops, amount, mud = values
            values = [*drops, 0.0 if mud else amount, amount if mud else 0.0]
        rows.append(values)
    found = [[v for v in row if not isinstance(v, str)] for row in levels.tables[table]]
    assert found == rows
    if name == "spatter":
        assert [row[4] for row in levels.tables[table]] == ["water"] * 3 + ["mud"] * 2
