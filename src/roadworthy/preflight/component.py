"""One part of a pipeline as it was found: its name, or that it is unknown, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Component:
    """A part of a pipeline: what it is, in the words of our specs where they have one.

    ``name`` is `UNKNOWN` where no known one agrees with what was seen. ``evidence`` is one sentence
    on why; ``same`` are other names that cannot be told from it.
    """

    part: str
    name: str
    evidence: str
    same: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the part has a name."""
        return self.name != UNKNOWN


def unknown(part: str, evidence: str) -> Component:
    """Return a part that could not be named."""
    return Component(part, UNKNOWN, evidence)
