"""Strategies for specs: any that the language can express."""

from __future__ import annotations

import string
from fractions import Fraction

from hypothesis import strategies as st

from roadworthy.spec import Range, Spec, Sweep, Value

WORD = string.ascii_letters + string.digits + "_"
PARTS = st.one_of(
    st.sampled_from(["a", "4", "255", "none", "1..5", "resnet50.a1_in1k", "3..5"]),
    st.builds(
        "{}{}".format, st.sampled_from(WORD), st.text(st.sampled_from(WORD + ".+-"), max_size=4)
    ),
)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
KEYS = st.sampled_from(["eps", "steps", "x1", "_", "none", "Z"])

# Characters with a meaning in the language are likely, so that quoting has work to do; all others,
# lone surrogates from names of files included, are possible.
TEXTS = st.text(
    st.one_of(st.sampled_from("'\"\\()[],=:/. ~1aé\n"), st.characters(codec=None)), max_size=8
) | st.sampled_from(["none", "true", "1", "1/2", "1..5", "1e5", ".5", "5.", "+3", "1..2..3", ".."])
PATHS = TEXTS.filter(bool)

# A fraction that is whole is written, and so read, as a whole number.
FRACTIONS = st.builds(
    Fraction, st.integers(-300, 300), st.sampled_from([3, 7, 17, 51, 85, 255])
).filter(lambda value: value.denominator > 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(st.integers(), FLOATS, FRACTIONS)
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: Range(min(ends), max(ends)))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, RANGES)


def _specs(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Spec]:
    args = st.lists(values, max_size=2).map(tuple)
    params = st.dictionaries(KEYS, values, max_size=2).map(lambda given: tuple(given.items()))
    return st.one_of(
        st.builds(Spec, NAMES, args, params),
        st.builds(Spec, PARTS, args, params, PATHS),
    )


def _composite(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(
        st.lists(values, max_size=2).map(tuple),
        st.lists(values, min_size=1, max_size=3).map(lambda members: Sweep(tuple(members))),
        _specs(values),
    )


VALUES: st.SearchStrategy[Value] = st.recursive(SCALARS, _composite, max_leaves=6)
SPECS = _specs(VALUES)
