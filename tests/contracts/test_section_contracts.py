"""What every section of the page keeps to; a new one is tested the day it appears."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from report_fakes import MODEL, OTHER, FakeView, fake_view

from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import SECTIONS, in_order

EVERY = sorted(SECTIONS)


@pytest.mark.parametrize("name", EVERY)
def test_a_section_has_a_title_and_says_what_it_shows(name: str) -> None:
    definition = SECTIONS.get(name)
    assert definition.name == name
    assert definition.title[0].isupper()
    assert definition.doc.endswith(".")
    assert len([one for one in in_order() if one.place == definition.place]) == 1


@pytest.mark.parametrize("name", [name for name in EVERY if name != "verdict"])
def test_a_run_without_anything_has_no_sections(name: str) -> None:
    assert list(SECTIONS.get(name).function(Evidence(FakeView(Path("x"), {})))) == []


@pytest.mark.parametrize("models", [(MODEL,), (MODEL, OTHER)])
@pytest.mark.parametrize("name", EVERY)
def test_a_section_returns_blocks_and_the_same_again(name: str, models: tuple[str, ...]) -> None:
    evidence = Evidence(fake_view(Path("results/demo"), models=models))
    blocks = list(SECTIONS.get(name).function(evidence))
    assert all(isinstance(block, get_args(Block)) for block in blocks)
    assert list(SECTIONS.get(name).function(evidence)) == blocks
