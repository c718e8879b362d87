"""Conditions in one line: ``gaussian_noise 2 + motion blur 1, 12 %``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from roadworthy.errors import UsageError

_NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:\s*/\s*(\d+))?\s*(%?)\s*", re.ASCII)
_LEVEL = re.compile(r"(.*\S)\s+(\d+)", re.DOTALL)


def probability_of(value: object, where: str) -> float:
    """Read ``12 %``, ``0.12`` or ``3/25`` as a number in [0, 1]; raises UsageError for all else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    else:
        found = _NUMBER.fullmatch(str(value))
        if found is None or found[2] == "0":
            raise UsageError(
                f"{where}: expected a probability such as '12 %' or 0.12, not {value!r}"
            )
        number = float(found[1]) / float(found[2] or 1) / (100 if found[3] else 1)
    if not 0 <= number <= 1:
        raise UsageError(
            f"{where}: {value!r} is no probability; it must lie between 0 and 1 (100 %)"
        )
    return number


def split_line(text: str, where: str) -> tuple[str, str]:
    """Return the stress and the probability of a condition in one line."""
    stress, comma, probability = text.rpartition(",")
    if not comma or _NUMBER.fullmatch(probability) is None:
        raise UsageError(
            f"{where}: expected a stress and its probability, such as "
            f"'gaussian_noise 2 + motion_blur 1, 12 %', not '{text}'"
        )
    return stress.strip(), probability


def stress_of(text: str) -> str:
    """Return the spec of a condition: ``fog 2`` is severity 2, and ``+`` puts stresses together."""
    parts = [_one(part) for part in _apart(text)]
    return parts[0] if len(parts) == 1 else f"compose({', '.join(parts)})"


def _one(text: str) -> str:
    found = _LEVEL.fullmatch(text)
    name, level = (found[1], found[2]) if found else (text, "")
    if "(" in name:
        return text
    name = re.sub(r"\s+", "_", name)
    return f"{name}(severity={level})" if level else name


def _apart(text: str) -> Iterator[str]:
    """Yield what stands between the plus signs outside of brackets."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "+" and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()
