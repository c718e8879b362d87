"""The tables of a section of the page, to be written as Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.report.blocks import Block, Fold, Heading, Table
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import SECTIONS


def tables_of(evidence: Evidence, section: str) -> list[Table]:
    """Return the tables of a section, each with a title; raises UsageError where there are none.

    An unknown section is an error with the nearest name.
    """
    if section not in SECTIONS:
        hint = did_you_mean(section, SECTIONS) or f"; there are {', '.join(SECTIONS)}"
        raise UsageError(f"no section of the page is called '{section}'{hint}")
    definition = SECTIONS.get(section)
    found = list(_titled(definition.function(evidence), definition.title))
    if not found:
        raise UsageError(f"the section '{section}' has no table for this run")
    return found


def _titled(blocks: Iterable[Block], title: str) -> Iterator[Table]:
    """Yield tables with the title that they have, or that of the heading before them."""
    for block in blocks:
        if isinstance(block, Heading):
            title = ": ".join(filter(None, (block.code, block.text)))
        elif isinstance(block, Table):
            yield block if block.title else replace(block, title=title)
        elif isinstance(block, Fold):
            yield from _titled(block.blocks, block.title)
