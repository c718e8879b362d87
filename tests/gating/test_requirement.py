"""The language of requirements: what is read, what is refused, and with which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.gating.requirement import Requirement, parse_requirement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mce<=80", {"metric": "mce", "operator": "<=", "bound": 80.0}),
        (
            "top1(clean) >= 75",
            {"metric": "top1", "stress": "clean", "operator": ">=", "bound": 75.0},
        ),
        ("top1(clean)≥75 %", {"operator": ">=", "bound": 75.0}),
        (
            "top1(fog(severity=3)) < 1e2",
            {"stress": "fog(severity=3)", "operator": "<", "bound": 100.0},
        ),
        ("median_linf(pgd(eps=8/255))>4/255", {"stress": "pgd(eps=8/255)", "bound": 4 / 255}),
        (
            "top1(clean, model=timm/resnet50.a1_in1k, data=imagefolder:data/val)>=7",
            {"model": "timm/resnet50.a1_in1k", "data": "imagefolder:data/val"},
        ),
        (
            "top1(stress=fog, variant='severity=3', source='demo/<x>')>=-.5",
            {"stress": "fog", "variant": "severity=3", "source": "demo/<x>", "bound": -0.5},
        ),
        ("top1(clean)>=-0.5 vs baseline", {"bound": -0.5, "against_baseline": True}),
        ("expected_error(profile:p.yaml)<=12", {"stress": "profile:p.yaml"}),
        ("drop<= 1 vs. baseline", {"stress": None, "against_baseline": True}),
    ],
)
def test_requirements_are_read(text: str, expected: dict[str, object]) -> None:
    found = parse_requirement(text)
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.text == text.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("top1(clean)", "expected one of <=, >=, <, >"),
        ("top1(clean)=75", "expected one of <=, >=, <, >"),
        ("top1(clean)=>75", "write >= instead of =>"),
        ("top1(clean)=<75", "write <= instead of =<"),
        ("top1(clean)==75", "write <= or >= instead of =="),
        ("top1(clean)>=", "expected a number after '>='"),
        ("top1(clean)>=many", "not 'many'"),
        ("top1(clean)>=nan", "not 'nan'"),
        ("top1(clean)>=inf", "not 'inf'"),
        ("top1(clean)>=1e999", "must be a finite number"),
        ("top1(clean)>=1/0", "must be a finite number"),
        ("top1(clean)>=75>=3", "not '75>=3'"),
        ("top1(clean)>=75 vs mars", "not 'vs mars'"),
        ("top1(clean, fog)>=75", "one stress or suite stands in the brackets"),
        ("top1(clean, stress=fog)>=75", "given twice"),
        ("top1(clean, modle=x)>=75", "did you mean 'model'"),
        ("timm/top1(clean)>=75", "is no metric"),
        ("top1(clean)x>=75", "expected nothing more"),
        ("top1(clean))>=75", "expected one of"),
        (">=75", "empty text"),
        ("", "expected one of"),
    ],
)
def test_what_is_no_requirement_is_quoted_and_explained(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_requirement(text)
    assert said in str(refused.value)
    assert f"'{text}'" in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_requirement(text)
    except UsageError:
        return
    assert isinstance(found, Requirement)


@pytest.mark.parametrize(
    ("operator", "met"), [("<=", (1, 2)), (">=", (2, 3)), ("<", (1,)), (">", (3,))]
)
def test_bounds_hold_as_written(operator: str, met: tuple[int, ...]) -> None:
    found = parse_requirement(f"top1{operator}2")
    assert tuple(value for value in (1, 2, 3) if found.holds(value)) == met
