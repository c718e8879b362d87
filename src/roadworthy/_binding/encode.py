"""An unambiguous text for every resolved value, and the digest over all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from roadworthy.seed import digest
from roadworthy.spec import Range, Spec, Sweep


def encode(value: Any) -> str:
    """Return text that is equal for two values exactly if they mean the same.

    Numbers are told by their value (1, 1.0 and Fraction(1) agree) and never agree with a flag or
    with text. Raises TypeError for values that no parameter of a spec can have.
    """
    match value:
        case None | bool():
            return f"constant:{value}"
        case float() if not math.isfinite(value):
            return f"number:{float(value)!r}"
        case int() | float() | Fraction():
            exact = Fraction(value)
            return f"number:{exact.numerator}/{exact.denominator}"
        case str():
            # Names of files may hold what is no valid Unicode; digest() encodes strictly.
            return "text:" + str(value).encode("utf-8", "surrogatepass").hex()
        case tuple():
            return f"tuple:{digest(*map(encode, value))}"
        case Range(low, high):
            return f"range:{digest(encode(low), encode(high))}"
        case Sweep(values):
            return f"sweep:{digest(*map(encode, values))}"
        case Spec(name, args, params, path):
            given = tuple(sorted((key, encode(v)) for key, v in params))
            return f"spec:{digest(encode(name), encode(path), encode(args), encode(given))}"
        case Enum():
            return f"enum:{type(value).__qualname__}.{value.name}"
    raise TypeError(f"{value!r} cannot be hashed as a parameter")


def resolved_digest(name: str, version: int, values: Mapping[str, Any]) -> str:
    """Return a hex digest of an item, its definition version and all its resolved parameters.

    ``values`` come from `roadworthy.binding.bind`, defaults included, so that a changed default is
    a different request. The order of the parameters does not matter.
    """
    parts = [part for key in sorted(values) for part in (key, encode(values[key]))]
    return digest(name, version, *parts)
