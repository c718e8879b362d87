"""The language of requirements: ``METRIC(STRESS, model=…) >= NUMBER``, and ``vs baseline``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.spec import Spec, SpecError, format_value, parse

Operator = Literal["<=", ">=", "<", ">"]
KEYS = ("stress", "model", "data", "variant", "source")
EXAMPLE = "such as 'top1(clean)>=75' or 'mce<=80'"

_OPERATORS: dict[str, Operator] = {
    "<=": "<=", ">=": ">=", "<": "<", ">": ">", "≤": "<=", "≥": ">=",
}  # fmt: skip
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RIGHT = re.compile(
    rf"\s*(?P<number>{_NUMBER})(?:\s*/\s*(?P<divisor>{_NUMBER}))?\s*(?P<percent>%?)"
    rf"(?P<vs>\s+vs\.?\s+(?P<what>\w+))?\s*",
    re.ASCII,
)


@dataclass(frozen=True)
class Requirement:
    """A bound on a metric: of one stress, model, data set, variant or source where these are given.

    ``against_baseline`` says that the bound is on the difference to a baseline, run minus baseline,
    in points where the metric is in percent.
    """

    text: str
    metric: str
    operator: Operator
    bound: float
    stress: str | None = None
    model: str | None = None
    data: str | None = None
    variant: str | None = None
    source: str | None = None
    against_baseline: bool = False

    @property
    def at_least(self) -> bool:
        """Whether large values are good."""
        return self.operator in (">=", ">")

    def holds(self, value: float) -> bool:
        """Whether a value meets the bound."""
        match self.operator:
            case "<=":
                return value <= self.bound
            case ">=":
                return value >= self.bound
            case "<":
                return value < self.bound
            case ">":
                return value > self.bound


_MISWRITTEN = {"=>": ">=", "=<": "<=", "==": "<= or >=", "!=": "< or >"}


def parse_requirement(text: str) -> Requirement:
    """Read a requirement; raises UsageError that quotes it and says what was expected.

    The part in front of the comparison is a spec: the metric, in brackets what it is of. Names of
    metrics and of what is in a run are not looked up here.
    """
    left, operator, right = _split(text)
    found = _RIGHT.fullmatch(right)
    if found is None:
        raise UsageError(
            f"requirement '{text}': expected a number after '{operator}', {EXAMPLE}, "
            f"not '{right.strip()}'"
        )
    if found["vs"] and found["what"] != "baseline":
        raise UsageError(
            f"requirement '{text}': a bound is on the value, or on the difference 'vs baseline', "
            f"not 'vs {found['what']}'"
        )
    divisor = float(found["divisor"] or 1)
    bound = float(found["number"]) / divisor if divisor else math.inf
    if not math.isfinite(bound):
        raise UsageError(f"requirement '{text}': the bound must be a finite number")
    try:
        spec = parse(left)
    except SpecError as error:
        raise UsageError(f"requirement '{text}': {error}") from None
    return Requirement(
        text=text.strip(),
        metric=spec.name,
        operator=operator,
        bound=bound,
        against_baseline=bool(found["vs"]),
        **_selectors(spec, text),
    )


def _split(text: str) -> tuple[str, Operator, str]:
    """Return what stands before and after the comparison, and the comparison itself."""
    depth, quote = 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0 and text[place : place + 2] in _MISWRITTEN:
            given = text[place : place + 2]
            raise UsageError(
                f"requirement '{text}': write {_MISWRITTEN[given]} instead of {given}, {EXAMPLE}"
            )
        elif depth == 0 and (sign := _sign(text[place:])):
            return text[:place], _OPERATORS[sign], text[place + len(sign) :]
    raise UsageError(
        f"requirement '{text}': expected one of <=, >=, <, > between a metric and a number, {EXAMPLE}"
    )


def _sign(text: str) -> str | None:
    return next((sign for sign in _OPERATORS if text.startswith(sign)), None)


def _selectors(spec: Spec, text: str) -> dict[str, str]:
    if spec.path is not None or "/" in spec.name:
        raise UsageError(f"requirement '{text}': '{spec.head}' is no metric, {EXAMPLE}")
    if len(spec.args) > 1:
        raise UsageError(
            f"requirement '{text}': one stress or suite stands in the brackets, then "
            f"{', '.join(f'{key}=…' for key in KEYS[1:])}"
        )
    found = {"stress": _text(spec.args[0])} if spec.args else {}
    for key, value in spec.params:
        if key not in KEYS:
            raise UsageError(
                f"requirement '{text}': there is no '{key}='{did_you_mean(key, KEYS)} "
                f"(it takes {', '.join(KEYS)})"
            )
        if key in found:
            raise UsageError(f"requirement '{text}': the stress is given twice")
        found[key] = _text(value)
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else format_value(value)  # type: ignore[arg-type]
