from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from roadworthy.spec import parse


def test_parameters_are_pairs_that_can_be_looked_up_by_name() -> None:
    params: Any = parse("pgd(eps=4/255, steps=40)").params
    assert params == (("eps", Fraction(4, 255)), ("steps", 40))
    assert params["eps"] == Fraction(4, 255)
    assert params[1] == ("steps", 40)
    assert dict(params) == {"eps": Fraction(4, 255), "steps": 40}
    assert params.get("norm", "Linf") == "Linf"
    with pytest.raises(KeyError):
        params["norm"]
