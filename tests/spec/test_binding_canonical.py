"""One text for one meaning, and one digest."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import assume, given, settings
from spec_strategies import SPECS, VALUES

from roadworthy.binding import bind, canonical, resolved_digest
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, Value, parse

PGD = (
    Parameter("eps", float | Fraction, Fraction(4, 255)),
    Parameter("norm", Literal["Linf", "L2"], "Linf"),
    Parameter("steps", int, 40),
    Parameter("step", float | None, None),
    Parameter("start", Literal["random", "none"], "random"),
    Parameter("mean", tuple[float, float] | None, None),
    Parameter("checkpoint", str | None, None),
)
SWEEP = frozenset(p.name for p in PGD)
ENSEMBLE = (Parameter("members", tuple[Spec, ...]), Parameter("combine", str, "logits"))
QUANTIZED = (Parameter("model", Spec), Parameter("bits", int, 8))
LATE = (Parameter("bits", int, 8), Parameter("model", Spec))


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [
        ("pgd", PGD, "pgd"),
        ("pgd()", PGD, "pgd"),
        ("pgd(steps=7, eps=2/510)", PGD, "pgd(eps=1/255, steps=7)"),
        ("pgd(steps=40, eps=4/255, norm=Linf, step=none)", PGD, "pgd"),
        ("pgd(8/255, L2)", PGD, "pgd(eps=8/255, norm=L2)"),
        ("pgd(4/255, L2)", PGD, "pgd(norm=L2)"),
        ("pgd(eps=1)", PGD, "pgd(eps=1.0)"),
        ("pgd(step=2/255)", PGD, "pgd(step=2/255)"),
        ("pgd(step=0.00784313725490196)", PGD, "pgd(step=2/255)"),
        ("pgd(step=123456789012)", PGD, "pgd(step=123456789012.0)"),
        ("pgd(step=1/4)", PGD, "pgd(step=0.25)"),
        ("pgd(step=0.1234567891234)", PGD, "pgd(step=0.1234567891234)"),
        ("pgd(step=[2/255, 1])", PGD, "pgd(step=[2/255, 1.0])"),
        ("pgd(step=1/255..1/2)", PGD, "pgd(step=1/255..0.5)"),
        ("pgd(start='none')", PGD, "pgd(start=none)"),
        ("pgd(start=[random, none])", PGD, "pgd(start=[random, none])"),
        ("pgd(checkpoint='none')", PGD, "pgd(checkpoint='none')"),
        ("pgd(checkpoint='dir/r.pt')", PGD, "pgd(checkpoint=dir/r.pt)"),
        ("pgd(checkpoint='4/255')", PGD, "pgd(checkpoint='4/255')"),
        ("pgd(checkpoint=C:/r.pt)", PGD, "pgd(checkpoint='C:/r.pt')"),
        ("pgd(mean=(1/3, 1))", PGD, "pgd(mean=(1/3, 1.0))"),
        ("pgd(steps=1..5)", PGD, "pgd(steps=1..5)"),
        ("ensemble(timm/a, timm/b)", ENSEMBLE, "ensemble(timm/a, timm/b)"),
        ("ensemble(members=(timm/a, b), combine=logits)", ENSEMBLE, "ensemble(timm/a, b)"),
        ("ensemble(a(), combine=mean)", ENSEMBLE, "ensemble(a, combine=mean)"),
        ("quantized(bits=4, model=demo/x)", QUANTIZED, "quantized(demo/x, bits=4)"),
        ("quantized(demo/x, 8)", QUANTIZED, "quantized(demo/x)"),
        ("late(4, demo/x)", LATE, "late(bits=4, model=demo/x)"),
        ("late(model=demo/x)", LATE, "late(model=demo/x)"),
        ("csv:'a b.csv'()", (), "csv:a b.csv"),
    ],
)
def test_canonical_text(text: str, parameters: tuple[Parameter, ...], expected: str) -> None:
    found = canonical(parse(text), parameters, kind="item", sweep=SWEEP)
    assert str(found) == expected
    assert str(canonical(parse(expected), parameters, sweep=SWEEP)) == expected
    bound = bind(parse(text), parameters, kind="item", sweep=SWEEP)
    assert repr(bind(found, parameters, kind="item", sweep=SWEEP)) == repr(bound)


def test_undeclared_keywords_follow_in_alphabetical_order() -> None:
    spec = parse("a(width=2, steps=3, depth=1)")
    assert str(canonical(spec, PGD, extra=True)) == "a(steps=3, depth=1, width=2)"


def test_a_flag_is_not_the_number_that_equals_it() -> None:
    parameters = (Parameter("x", Any, 1),)
    assert str(canonical(parse("a(x=true)"), parameters)) == "a(x=true)"
    assert str(canonical(parse("a(x=1)"), parameters)) == "a"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", "1.0", True),
        ("0.5", "1/2", True),
        ("2/255", "0.00784313725490196", True),
        ("none", "none", True),
        ("1", "2", False),
        ("0.1", "0.1000001", False),
        ("[1, 2]", "[1.0, 2/1]", True),
        ("[1, 2]", "[2, 1]", False),
        ("1..2", "[1, 2]", False),
    ],
)
def test_digest_tells_values_of_a_number_apart(one: str, other: str, same: bool) -> None:
    digests = [digest_of(f"pgd(step={text})") for text in (one, other)]
    assert (digests[0] == digests[1]) is same


def digest_of(text: str, parameters: tuple[Parameter, ...] = PGD) -> str:
    values = bind(parse(text), parameters, kind="item", sweep=SWEEP)
    return resolved_digest("pgd", 1, values)


def test_digest_covers_defaults_name_and_version() -> None:
    assert digest_of("pgd") == digest_of("pgd(steps=40, eps=4/255)")
    changed = tuple(Parameter("steps", int, 41) if p.name == "steps" else p for p in PGD)
    assert digest_of("pgd", changed) != digest_of("pgd")
    assert resolved_digest("a", 1, {"x": 1}) != resolved_digest("b", 1, {"x": 1})
    assert resolved_digest("a", 1, {"x": 1}) != resolved_digest("a", 2, {"x": 1})
    assert resolved_digest("a", 1, {"x": 1}) != resolved_digest("a", 1, {"y": 1})
    assert resolved_digest("a", 1, {"x": 1, "y": 2}) == resolved_digest("a", 1, {"y": 2, "x": 1})
    assert resolved_digest("a", 1, {"x": 1}) == resolved_digest("a", 1, {"x": Fraction(1)})


DISTINCT: list[Any] = [
    *(None, True, False, 1, 0, "1", "none", "None", "true", "", "1/1", float("inf")),
    *(
        (),
        (1,),
        ("1",),
        ((1,),),
        (1, 2),
        (12,),
        Sweep((1,)),
        Sweep((1, 2)),
        Range(1, 2),
        Range(1, 3),
        Range(2, 2),
    ),
    *(Spec("a"), "a", Spec("a", (1,)), Spec("a", ("1",)), Spec("a", (), (("x", 1),))),
    *(Spec("a", path="1"), Spec("a", path="none"), Spec("a/b"), "a/b", "\udcff", "?", "ä"),
]


def test_digest_tells_types_apart() -> None:
    digests = {resolved_digest("a", 1, {"x": value}) for value in DISTINCT}
    assert len(digests) == len(DISTINCT)


def test_digest_does_not_change_between_processes_or_versions() -> None:
    values = {"eps": Fraction(4, 255), "start": None, "model": Spec("timm/a"), "mean": (0.5, True)}
    assert resolved_digest("pgd", 1, values) == "4e789848de9a3c3729437238ea57be71"


def test_what_cannot_be_written_cannot_be_hashed() -> None:
    with pytest.raises(TypeError, match="cannot be hashed"):
        resolved_digest("a", 1, {"x": object()})


@given(VALUES, VALUES)
@settings(max_examples=60, deadline=None)
def test_equal_digests_mean_equal_values(one: Value, other: Value) -> None:
    if resolved_digest("a", 1, {"x": one}) == resolved_digest("a", 1, {"x": other}):
        assert one == other


@given(SPECS)
@settings(max_examples=60, deadline=None)
def test_canonical_of_undeclared_keywords_changes_nothing(spec: Spec) -> None:
    assume(not spec.args)
    found = canonical(spec, (), extra=True)
    assert dict(found.params) == dict(spec.params)
    assert canonical(found, (), extra=True) == found == parse(str(found))
