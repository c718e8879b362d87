"""Texts that are no specs: where the caret points and what is said."""

from __future__ import annotations

import pytest

from roadworthy.errors import EXIT_USAGE, UsageError
from roadworthy.spec import MAX_LENGTH, SpecError, parse

NAME, VALUE, CLOSE = "expected a name", "expected a value", "never closed"

REJECTED: list[tuple[str, int, str]] = [
    ("", 1, "empty text"),
    ("  \n ", 5, "empty text"),
    ("@survey18", 1, NAME),
    ("-x", 1, NAME),
    (".hidden", 1, NAME),
    ("/abs", 1, NAME),
    ("'pgd'", 1, NAME),
    ("(a)", 1, NAME),
    ("ä", 1, NAME),
    ("timm/", 6, "expected a name after 'timm/'"),
    ("timm//a", 6, "expected a name after 'timm/'"),
    ("timm/../a", 6, "expected a name after 'timm/'"),
    ("pgd eps=3", 5, "parameters stand in brackets: pgd(…)"),
    ("pgd, fgsm", 4, "expected nothing more after 'pgd'"),
    ("pgd=3", 4, "expected nothing more"),
    ("pgdä", 4, "expected nothing more"),
    ("pgd(a) b", 8, "expected nothing more"),
    ("pgd(a))", 7, "expected nothing more"),
    ("pgd(a)(b)", 7, "expected nothing more"),
    ("imagefolder:", 13, "expected a path"),
    ("imagefolder:  (limit=3)", 13, "expected a path"),
    ("imagefolder:''", 13, "expected a path"),
    ("a/b:c", 4, "a path follows a single name, not 'a/b'"),
    ("csv:a(limit=3", 6, CLOSE),
    ("csv:a)b", 6, "closes nothing"),
    ("csv:a(b))", 9, "closes nothing"),
    ("csv:'a.csv", 5, "this quote is never closed"),
    ("csv:'a' b", 9, "expected nothing more"),
    ("pgd(", 5, VALUE),
    ("pgd(eps=", 9, "but the text ends"),
    ("pgd(eps=4", 4, CLOSE),
    ("pgd(a, (1, 2)", 4, CLOSE),
    ("pgd(a, (1, 2", 8, CLOSE),
    ("pgd(a, [1, 2)", 13, "expected ',' or ']'"),
    ("pgd(a]", 6, "expected ',' or ')'"),
    ("pgd(a b)", 7, "quote text that has other characters"),
    ("pgd(a=x y)", 9, "quote text that has other characters"),
    ("pgd(naïve)", 7, "quote text that has other characters"),
    ("pgd(p=/my dir)", 11, "quote text"),
    ("pgd(,)", 5, VALUE),
    ("pgd(1,)", 7, VALUE),
    ("pgd(a=1,)", 9, VALUE),
    ("pgd((1,))", 8, VALUE),
    ("pgd(1,,2)", 7, VALUE),
    ("pgd(a=)", 7, VALUE),
    ("pgd(=1)", 5, VALUE),
    ("pgd([])", 5, "an empty list makes no variant"),
    ("pgd(eps=1, 40)", 12, "40 has no name"),
    ("pgd(eps=1, b(2) )", 12, "b(2) has no name"),
    ("pgd(eps=1, steps=2, eps=3)", 21, "'eps' is given twice"),
    ("pgd(1x=3)", 5, "1x is no name of a parameter"),
    ("pgd(a=1, a-b=3)", 10, "a-b is no name of a parameter"),
    ("pgd('q'=3)", 5, "'q' is no name of a parameter"),
    ("pgd(größe=3)", 7, "expected ',' or ')'"),
    ("pgd((a=1))", 7, "expected ',' or ')'"),
    ("pgd(eps=4/0)", 11, "division by zero"),
    ("pgd(eps=4 / 0.0)", 13, "division by zero"),
    ("pgd(eps=1/2..1/0)", 16, "division by zero"),
    ("pgd(eps=1/ 0..2)", 12, "division by zero"),
    ("pgd(a=5..1)", 7, "a range goes upwards: 1..5, not 5..1"),
    ("pgd(a=1/2..1/3)", 7, "a range goes upwards"),
    ("pgd(a=1e999)", 7, "too large"),
    ("pgd(a=1..1e999)", 10, "too large"),
    ("pgd(a=1e100000/3)", 7, "too many digits"),
    (f"pgd(a={'1' * 3500})", 7, "too many digits"),
    (f"pgd(a=2/{'1' * 4500})", 9, "too many digits"),
    ("pgd(a='x)", 7, "this quote is never closed"),
    (r"pgd(a='\q')", 8, r"write \\ for a backslash"),
    (r"pgd(a='x\xZZ')", 9, "unknown escape"),
    (r"pgd(a='\U00110000')", 8, "no such character"),
    ("pgd(m=timm/)", 12, "expected a name after 'timm/'"),
    ("pgd(m=-x/y)", 7, NAME),
    ("pgd(m=csv:)", 11, "expected a path"),
    ("pgd(m=csv:, 1)", 11, "expected a path"),
    ("pgd(m=b(1)", 4, CLOSE),
    ("pgd(m=b(1, c=2, c=3))", 17, "'c' is given twice"),
    ("a(" * 51 + "1" + ")" * 51, 102, "deeper than 50"),
    ("a(" + "[" * 50, 52, "deeper than 50"),
    ("x" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "at most 10000 characters"),
    (f"a({','.join('1' * 4000)})", 1, "written out"),
]


@pytest.mark.parametrize(("text", "column", "said"), REJECTED, ids=[r[0][:30] for r in REJECTED])
def test_refused(text: str, column: int, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.column == column
    assert said in caught.value.reason
    assert caught.value.text == text


def test_table_is_large_enough() -> None:
    assert len({row[0] for row in REJECTED}) >= 40


def test_message_shows_the_text_and_a_caret_under_the_column() -> None:
    with pytest.raises(UsageError) as caught:
        parse("pgd(eps=4/255, steps=1/0)")
    assert caught.value.exit_code == EXIT_USAGE
    assert str(caught.value).splitlines() == [
        "division by zero (column 24)",
        "  pgd(eps=4/255, steps=1/0)",
        "                         ^",
    ]


def test_caret_counts_wide_characters_as_two_columns() -> None:
    with pytest.raises(SpecError) as caught:
        parse("a('写真', e\u0301)")
    _, text, caret = str(caught.value).splitlines()
    assert text == "  a('写真', e\u0301)"
    assert caret == " " * 13 + "^"


def test_long_text_is_cut_to_the_neighbourhood() -> None:
    text = "a(" + "x=1, " * 0 + ", ".join(f"p{i}={i}" for i in range(500)) + ", q=1/0" + ", z" * 50
    with pytest.raises(SpecError) as caught:
        parse(text)
    _, shown, caret = str(caught.value).splitlines()
    assert len(shown) < 100
    assert shown.startswith("  …")
    assert shown.endswith("…")
    assert shown[len(caret) - 1] == "0"
    assert shown[len(caret) - 5 : len(caret)] == "q=1/0"


def test_control_characters_do_not_reach_the_terminal() -> None:
    with pytest.raises(SpecError) as caught:
        parse("a(\x1b[31m\tb\n)")
    _, shown, _ = str(caught.value).splitlines()
    assert shown == "  a(�[31m b )"
