"""Any spec survives being written and read; no text whatever breaks the parser."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spec_strategies import SPECS, VALUES

from roadworthy.spec import Spec, SpecError, Value, format_value, parse

FRAGMENTS = st.sampled_from(
    [
        *"()[],=:/.'\"\\ ",
        "..",
        "a",
        "pgd",
        "timm/a",
        "1",
        "4/255",
        "1..5",
        "0.5",
        "none",
        "./x",
        "é",
    ]
)
HOSTILE = st.one_of(st.text(max_size=40), st.lists(FRAGMENTS, max_size=20).map("".join))


@given(SPECS)
@settings(max_examples=150, deadline=None)
@example(Spec("a", (Spec("1/3..5/7"), Spec("4/255"), "4/255", "\ud800")))
def test_text_reads_back(spec: Spec) -> None:
    text = str(spec)
    assert repr(parse(text)) == repr(spec)
    assert parse(text) == spec
    assert str(parse(text)) == text


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_value_reads_back(value: Value) -> None:
    assert parse(f"a(x={format_value(value)})") == Spec("a", (), (("x", value),))


@given(SPECS, SPECS)
@settings(max_examples=60, deadline=None)
def test_text_tells_specs_apart(one: Spec, other: Spec) -> None:
    assert (str(one) == str(other)) == (repr(one) == repr(other))


def read(text: str) -> Spec | SpecError:
    try:
        return parse(text)
    except SpecError as error:
        return error


@given(HOSTILE)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_spec_or_a_spec_error(text: str) -> None:
    found = read(text)
    if isinstance(found, Spec):
        assert parse(str(found)) == found
    else:
        assert 1 <= found.column <= len(text) + 1
        assert str(found).splitlines()[-1].strip() == "^"
        assert str(pickle.loads(pickle.dumps(found))) == str(found)


@pytest.mark.parametrize(
    "text",
    [
        "a(" * 5000,
        "[" * 9000,
        "a(" + "(" * 9000,
        "a:" + "(" * 9000,
        "a:" + "()" * 4900 + ")",
        "a(" + "1" * 9990,
        "a(x=1," + "b" * 9000 + ")",
        "a(" + "b." * 4500 + "=1)",
        "a(" + "9" * 3000 + ".." + "1" * 3000 + ")",
        "a(" + "1" * 9000 + ".x",
        "a(" + "1/" * 4900,
        "a(" + ",".join("bc" * 2400),
        "a(" + "1.." * 3000,
        "a(1e999999999/3)",
        "a(1/1e-999999999)",
        "a('" + "\\" * 9000,
        "a/" * 4999,
        "a" * 9000 + "\0",
        " " * 10_000,
        "a(" + "[1," * 60,
        "a(" + "'," * 3000,
    ],
    ids=lambda text: text[:8] if isinstance(text, str) else None,
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert len(str(caught.value)) < 500
