"""The spec language over everything registered: any arguments of the declared types."""

from __future__ import annotations

import types
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.binding import bind, canonical, resolved_digest
from roadworthy.data.registry import DATA
from roadworthy.models.base import MODELS
from roadworthy.models.options import parameters as model_parameters
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, parse
from roadworthy.stress import STRESSES
from roadworthy.stress.masks import MASKS
from roadworthy.stress.parts import PARTS

ITEMS: dict[str, tuple[Parameter, ...]] = {
    **{f"stress {name}": STRESSES.get(name).parameters for name in STRESSES},
    **{f"data {name}": DATA.get(name).parameters for name in DATA},
    **{f"model {name}": model_parameters(MODELS.get(name)) for name in MODELS},
}

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-300, 300),
    bool: st.booleans(),
    float: st.floats(-9, 9) | st.integers(-9, 9),
    # A whole fraction is written, and so read, as a whole number.
    Fraction: st.builds(Fraction, st.integers(1, 300), st.sampled_from([7, 255])).filter(
        lambda value: value.denominator > 1
    ),
    str: st.text(max_size=6),
    Spec: st.just(Spec("timm/resnet18", (), (("pretrained", True),))),
    type(None): st.none(),
    Any: st.integers(0, 5),
    Sweep: st.lists(st.integers(1, 5), min_size=1, max_size=3).map(lambda v: Sweep(tuple(v))),
    Range: st.just(Range(1, 3)),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values that a parameter of this type takes."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:  # what resolves specs knows their names: those of parts, or of masks
        known = st.sampled_from(sorted(MASKS if "masks" in members[1].__module__ else PARTS))
        if members[0] is Spec:
            return known.map(Spec)
        return st.lists(known, max_size=3, unique=True).map(
            lambda names: tuple(Spec(name) for name in names)
        )
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(member) for member in members])
    if origin is Literal:
        return st.sampled_from(members)
    if origin is tuple and members[-1] is Ellipsis:
        return st.lists(values_of(members[0]), min_size=1, max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(values_of(member) for member in members))
    return PLAIN[annotation]


@st.composite
def specs(draw: st.DrawFn, name: str) -> tuple[Spec, frozenset[str]]:
    """Draw a spec of one item, its arguments in any order, and what it may sweep."""
    parameters = ITEMS[name]
    sweep = frozenset(p.name for p in parameters) if name.startswith("stress") else frozenset()
    chosen = [p for p in parameters if p.required or draw(st.booleans())]
    params = []
    for parameter in draw(st.permutations(chosen)):
        value = values_of(parameter.type)
        if parameter.name in sweep:
            value |= st.lists(value, min_size=1, max_size=3).map(lambda v: Sweep(tuple(v)))
        params.append((parameter.name, draw(value)))
    path = draw(st.sampled_from(["a.py:f", "my (1) data"])) if name == "model torch" else None
    return Spec(name.split()[1], (), tuple(params), path), sweep


@pytest.mark.parametrize("name", sorted(ITEMS))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_text_and_hash_of_every_item(name: str, data: st.DataObject) -> None:
    spec, sweep = data.draw(specs(name))
    parameters = ITEMS[name]
    assert parse(str(spec)) == spec
    one = canonical(spec, parameters, sweep=sweep)
    again = canonical(parse(str(one)), parameters, sweep=sweep)
    assert str(again) == str(one)
    declared = [p.name for p in parameters]
    order = [declared.index(key) for key, _ in one.params]
    assert order == sorted(order)
    digests = {
        resolved_digest(name, 1, bind(s, parameters, kind="item", sweep=sweep)) for s in (spec, one)
    }
    assert len(digests) == 1


def test_a_value_that_differs_changes_the_hash() -> None:
    parameters = ITEMS["stress pgd"]

    def hashed(text: str) -> str:
        return resolved_digest("pgd", 1, bind(parse(text), parameters, kind="stress"))

    texts = [
        "pgd(eps=1/255)",
        "pgd(eps=2/255)",
        "pgd(eps=1/255, steps=41)",
        "pgd(eps=1/255, norm=L2)",
    ]
    assert len({hashed(text) for text in texts}) == len(texts)
    assert hashed("pgd(eps=1/255)") == hashed("pgd(1/255, steps=40)")


def test_a_range_is_kept_as_it_was_written() -> None:
    bound = bind(
        parse("gaussian_noise(severity=2..4)"),
        ITEMS["stress gaussian_noise"],
        kind="stress",
        sweep=frozenset({"severity"}),
    )
    assert bound["severity"] == Range(2, 4)
