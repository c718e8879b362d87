"""What specs resolve to against declared parameters, and what is said when they do not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import pytest

from roadworthy.binding import bind
from roadworthy.errors import UsageError
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, parse

PARAMETERS = (
    Parameter("eps", float | Fraction, Fraction(4, 255)),
    Parameter("norm", Literal["Linf", "L2"], "Linf"),
    Parameter("steps", int, 40),
    Parameter("step", float | None, None),
    Parameter("start", Literal["random", "none"], "random"),
    Parameter("early", bool, False),
)
DEFAULTS = {p.name: p.default for p in PARAMETERS}


def one(declared: Any, text: str, *, sweep: bool = False) -> Any:
    """Bind the value ``text`` to a parameter ``x`` of the given type."""
    names = frozenset({"x"} if sweep else ())
    return bind(parse(f"a(x={text})"), (Parameter("x", declared),), kind="a 'a'", sweep=names)["x"]


def message(text: str, parameters: Sequence[Parameter], **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        bind(parse(text), tuple(parameters), kind="attack 'pgd'", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        (int, "3", 3),
        (float, "3", 3.0),
        (float, "1/4", 0.25),
        (float, "2.5", 2.5),
        (Fraction, "4/255", Fraction(4, 255)),
        (Fraction, "2", Fraction(2)),
        (Fraction, "0.1", Fraction(1, 10)),
        (float | Fraction, "4/255", Fraction(4, 255)),
        (float | Fraction, "0.5", 0.5),
        (float | Fraction, "2", 2.0),
        (int | float, "2", 2),
        (int | float, "2.0", 2.0),
        (int | None, "none", None),
        (float | None, "1", 1.0),
        (bool, "true", True),
        (bool | str, "false", False),
        (str, "r.pt", "r.pt"),
        (str, "'3'", "3"),
        (str, "dir/r.pt", "dir/r.pt"),
        (str, "C:/my dir/r.pt", "C:/my dir/r.pt"),
        (str, "https://x.org/y", "https://x.org/y"),
        (str, "./r.pt", "./r.pt"),
        (str, "none", "none"),
        (str | None, "none", None),
        (str, "true", "true"),
        (Literal["random", "none"], "none", "none"),
        (Literal["random", "none"] | None, "none", None),
        (Literal["a/b", "c"], "a/b", "a/b"),
        (Literal[224, 299], "299", 299),
        (Literal["224", "299"], "299", "299"),
        (Spec, "timm/a", Spec("timm/a")),
        (Spec, "jpeg", Spec("jpeg")),
        (Spec, "'jpeg(quality=3)'", Spec("jpeg", (), (("quality", 3),))),
        (Spec | None, "none", None),
        (tuple[float, ...], "(1, 1/2)", (1.0, 0.5)),
        (tuple[float, float, float], "(0.5, 0, 1)", (0.5, 0.0, 1.0)),
        (tuple[int, int] | int, "(3, 4)", (3, 4)),
        (tuple[Spec, ...], "(a, timm/b)", (Spec("a"), Spec("timm/b"))),
        (tuple[float, float] | Literal["half"], "half", "half"),
        (Range, "1..5", Range(1, 5)),
        (Range | int, "3", 3),
        (Any, "[1, 2]", Sweep((1, 2))),
        (Any, "4/2", 2),
    ],
    ids=str,
)
def test_value_gets_the_declared_type(declared: Any, text: str, expected: Any) -> None:
    assert repr(one(declared, text)) == repr(expected)


@pytest.mark.parametrize(
    ("declared", "text", "said"),
    [
        (int, "3.0", "x=3.0: expected a whole number, not 3.0"),
        (int, "true", "x=true: expected a whole number, not true"),
        (int, "1/2", "expected a whole number, not 1/2"),
        (int, "none", "expected a whole number, not none"),
        (int, "'3'", "not the text '3'"),
        (float, "nan", "expected a number, not the text 'nan'"),
        (float, "false", "expected a number, not false"),
        (float, "1" + "0" * 400, "expected a number"),
        (float | None, "many", "expected a number or none, not the text 'many'"),
        (bool, "1", "expected true or false, not 1"),
        (bool, "True", "not the text 'True'; write true"),
        (str, "30", "expected text, not 30; for text write '30' in quotes"),
        (str, "a(1)", "expected text, not a(1)"),
        (str, "(a, b)", "expected text, not (a, b)"),
        (
            Literal["Linf", "L2"],
            "linf",
            "one of 'Linf', 'L2', not the text 'linf'; did you mean 'Lin",
        ),
        (Literal[224, 299], "225", "expected one of 224, 299, not 225"),
        (Spec, "4", "expected a spec, not 4"),
        (Spec, "-x", "expected a spec, not the text '-x'"),
        (
            tuple[float, float, float],
            "(1, 2)",
            "expected 3 values in round brackets, as in (0.5, 0.5",
        ),
        (tuple[float, float, float], "1", "expected 3 values in round brackets"),
        (
            tuple[int, ...],
            "(1, 2.5)",
            "values in round brackets, each a whole number, not (1, 2.5)",
        ),
        (tuple[int, ...], "[1, 2]", "not a list of variants ([1, 2])"),
        (int, "[1, 2]", "expected a whole number, not a list of variants ([1, 2])"),
        (int, "1..5", "expected a whole number, not a range (1..5)"),
        (Range, "3", "expected a range, not 3"),
    ],
    ids=str,
)
def test_wrong_value_says_what_was_expected(declared: Any, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        one(declared, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("a 'a': x=")
    assert len(str(caught.value)) < 300


def test_defaults_fill_what_is_not_given() -> None:
    assert bind(Spec("pgd"), PARAMETERS, kind="attack") == DEFAULTS
    assert list(bind(parse("pgd(early=true, eps=1/2)"), PARAMETERS, kind="attack")) == list(
        DEFAULTS
    )
    half = bind(Spec("a"), (Parameter("x", float, 1),), kind="item")["x"]
    assert type(half) is float


def test_positional_values_fill_in_declaration_order() -> None:
    given = bind(parse("pgd(1/2, L2, 7, early=true)"), PARAMETERS, kind="attack")
    assert given == {**DEFAULTS, "eps": Fraction(1, 2), "norm": "L2", "steps": 7, "early": True}


MEMBERS = (Parameter("members", tuple[Spec, ...]), Parameter("combine", str, "logits"))


@pytest.mark.parametrize("text", ["e(a, timm/b)", "e((a, timm/b))", "e(members=(a, timm/b))"])
def test_specs_take_all_positional_values(text: str) -> None:
    expected = {"members": (Spec("a"), Spec("timm/b")), "combine": "logits"}
    assert bind(parse(text), MEMBERS, kind="model") == expected


def test_unknown_parameter_names_the_nearest_and_lists_all() -> None:
    assert message("pgd(stpes=3)", PARAMETERS) == (
        "attack 'pgd' has no parameter 'stpes'; did you mean 'steps'? "
        "(it takes eps, norm, steps, step, start, early)"
    )
    assert "attack 'pgd' has no parameter 'x' (it takes none)" in message("pgd(x=3)", ())


def test_kind_without_a_name_gets_it() -> None:
    with pytest.raises(UsageError, match=r"^model 'timm/a' has no parameter 'x'"):
        bind(parse("timm/a(x=1)"), PARAMETERS, kind="model")


def test_extra_keywords_are_kept_behind_the_declared() -> None:
    given = bind(parse("a(width=3, steps=2)"), PARAMETERS, kind="model", extra=True)
    assert given == {**DEFAULTS, "steps": 2, "width": 3}
    assert list(given)[-1] == "width"


def test_missing_parameter_shows_an_example() -> None:
    needed = (*PARAMETERS, Parameter("quality", int), Parameter("colour", Literal["rgb", "bgr"]))
    said = message("jpeg", needed)
    assert said == "attack 'pgd' needs 'quality', for example jpeg(quality=3, colour=rgb)"
    assert "e(NAME, NAME)" in message("e", MEMBERS)


def test_too_many_positional_values() -> None:
    assert "9 is one value too many (it takes x)" in message("a(1, 9)", [Parameter("x", int)])
    said = message("csv:data (1)", ())
    assert 'if the brackets belong to the path, quote it: csv:"…"' in said


def test_a_parameter_is_given_once() -> None:
    assert "'eps' is given twice" in message("pgd(1/2, eps=1/3)", PARAMETERS)


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        (int, "1..5", Range(1, 5)),
        (int | None, "[1, 3]", Sweep((1, 3))),
        (float, "[1, 1/2]", Sweep((1.0, 0.5))),
        (float, "1..2", Range(1.0, 2.0)),
        (float | Fraction, "1/255..8/255", Range(Fraction(1, 255), Fraction(8, 255))),
        (float | Fraction, "[1/255, 0.5]", Sweep((Fraction(1, 255), 0.5))),
        (tuple[int, int], "[(1, 2), (3, 4)]", Sweep(((1, 2), (3, 4)))),
        (Literal["none", "a"], "[a, none]", Sweep(("a", "none"))),
        (int, "3", 3),
        (Range, "1..5", Range(1, 5)),
    ],
    ids=str,
)
def test_sweep_converts_every_member(declared: Any, text: str, expected: Any) -> None:
    assert repr(one(declared, text, sweep=True)) == repr(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, a]", "x=a: expected a whole number, not the text 'a'"),
        ("[1, 2..3]", "x=2..3: expected a whole number, not a range"),
        ("0.5..2", "x=0.5: expected a whole number, not 0.5"),
    ],
)
def test_wrong_member_of_a_sweep_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        one(int, text, sweep=True)
    assert said in str(caught.value)
