"""What a probe says of the images it measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Measured:
    """Columns of the records by name, one entry an image of the batch, None where nothing is known.

    ``flags`` are warnings about the model, image by image; see `roadworthy.stress._attacks.flags`.
    """

    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    flags: Sequence[Sequence[str]] = ()
