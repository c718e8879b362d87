"""What a section of the page is, how it is registered, and all of them in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.registry import Definition, Registry
from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence

SectionFunction = Callable[[Evidence], Sequence[Block]]


@dataclass(frozen=True, kw_only=True)
class SectionDefinition(Definition):
    """A section of the page: ``function(evidence)`` returns its blocks, none where it has nothing.

    ``title`` is its heading and its link on top of the page; ``place`` says where it stands: small
    numbers come first.
    """

    title: str
    place: int


def section(*, title: str, place: int) -> Callable[[SectionFunction], SectionDefinition]:
    """Register a section; the name of the function is its anchor and must be that of its file."""

    def decorate(function: Callable[..., Any]) -> SectionDefinition:
        return SectionDefinition(
            name=function.__name__, function=function, parameters=(), title=title, place=place
        )

    return decorate


SECTIONS: Registry[SectionDefinition] = Registry(
    "report section", SectionDefinition, ("roadworthy.report.sections",), "roadworthy.sections"
)


def in_order() -> list[SectionDefinition]:
    """Return every section, those of plug-ins included, in the order of the page."""
    return sorted(map(SECTIONS.get, SECTIONS), key=lambda one: (one.place, one.name))
