"""A sentence of the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["severe", "serious", "mild", "fine", "note"]
"""How bad it is; a note says what the rest has to be read with."""


@dataclass(frozen=True)
class Sentence:
    """What a rule says of a model, and what to do about it.

    ``cost`` ranks the sentences: points of accuracy lost, or percent of answers changed.
    """

    text: str
    advice: str = ""
    cost: float = 0.0
    level: Level = "mild"
