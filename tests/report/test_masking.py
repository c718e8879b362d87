"""A warning where images made for another model fool a model more often than those made for itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
import torch
from engine_world import COLOURS, ColourNet
from torch import Tensor
from transfer_world import pictures

import roadworthy as rw
from roadworthy.report.html import render
from roadworthy.report.masking import CERTAIN, Masking
from roadworthy.report.table import lines
from roadworthy.report.warned import warnings
from roadworthy.run import CellRecord
from roadworthy.types import Classes

ATTACK = "pgd(eps=24/255, steps=5)"


def seen(*sources: Sequence[bool | None], variant: str = "eps=1/255") -> Masking:
    """Return verdicts on one judge: of images made for itself first, then for others."""
    found = Masking()
    for number, verdicts in enumerate(sources):
        add(found, f"net{number}" if number else "", verdicts, variant)
    return found


def add(found: Masking, source: str, verdicts: Sequence[bool | None], variant: str) -> None:
    cell = CellRecord("d", "m", ATTACK, "fp32", "r", "l", source)
    status = ["clean_error" if one is None else "ok" for one in verdicts]
    rows = pl.DataFrame(
        {
            "sample": list(range(len(verdicts))),
            "variant": [variant] * len(verdicts),
            "status": status,
            "success": pl.Series(list(verdicts), dtype=pl.Boolean),
        }
    )
    found.add(cell, "m", rows)


def test_a_lead_of_another_source_is_told_with_both_counts() -> None:
    (entry,) = seen([False] * 10, [True] * 9 + [False]).rows()
    assert (entry["model"], entry["data"], entry["flag"]) == ("m", "d", "transfer_wins")
    assert entry["stress"] == ATTACK
    assert "made for 'net1' fool this model on 9 of 10 images" in entry["text"]
    assert "made for itself on 0: its gradients are masked" in entry["text"]


@pytest.mark.parametrize(
    ("own", "other", "warned"),
    [
        ([True] * 10, [True] * 10, False),
        ([True] * 10, [False] * 10, False),  # as it should be
        ([False] * 6, [True] * 6, False),  # 1 of 64: may be luck
        ([False] * 7, [True] * 7, True),  # 1 of 128
        ([False] * 8 + [True], [True] * 8 + [False], False),  # 10 of 512
        ([False] * 11 + [True], [True] * 11 + [False], True),  # 13 of 4096
        ([True] * 50 + [False] * 7, [True] * 50 + [True] * 7, True),
        ([None] * 7 + [False] * 3, [True] * 10, False),  # those wrong when clean do not count
    ],
)
def test_only_leads_that_are_no_luck_count(
    own: list[bool | None], other: list[bool | None], warned: bool
) -> None:
    assert bool(seen(own, other).rows()) is warned


def test_of_many_comparisons_one_may_lead_by_luck() -> None:
    assert 0.5**7 < CERTAIN < 2 * 0.5**7
    assert not seen([False] * 7, [True] * 7, [False] * 7).rows()
    (entry,) = seen([False] * 8, [False] * 8, [True] * 8).rows()
    assert "'net2'" in entry["text"]
    several = seen([False] * 7, [True] * 7)
    for source, verdict in (("", False), ("net1", False)):
        add(several, source, [verdict] * 7, "eps=2/255")
    assert not several.rows()


def test_without_images_made_for_itself_nothing_is_said() -> None:
    found = Masking()
    add(found, "net1", [True] * 20, "")
    assert not found.rows()


class Rounded(ColourNet):
    """Sees its input rounded to 16 levels, and gives the gradient of that: none."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x * 15).round() / 15)


def judged(net: ColourNet, name: str) -> object:
    torch.manual_seed(0)
    return rw.wrap(net, size=16, name=name, classes=Classes(3, COLOURS))


def test_a_network_that_hides_its_gradient_is_found_out(tmp_path: Path) -> None:
    models = [judged(ColourNet(), "open"), judged(Rounded(), "hidden")]
    data = pictures(tmp_path)
    run = rw.evaluate(models, data, [ATTACK], out=tmp_path / "t", transfer=True)  # type: ignore[arg-type]
    (entry,) = [w for w in run.summary["run"]["warnings"] if w["flag"] == "transfer_wins"]
    assert entry["model"] == "hidden"
    assert "made for 'open'" in entry["text"]
    (said,) = [text for text in warnings(run.summary) if "transfer_wins" in text]
    assert said.startswith("hidden: transfer_wins: images that the same attack made for 'open'")
    assert said in lines(run.summary)
    assert "its gradients are masked" in render(run, images=0)


def test_networks_that_hide_nothing_are_not_warned_of(tmp_path: Path) -> None:
    other = ColourNet()
    other.conv.weight.data += 0.3
    models = [judged(ColourNet(), "open"), judged(other, "other")]
    data = pictures(tmp_path)
    run = rw.evaluate(models, data, [ATTACK], out=tmp_path / "t", transfer=True)  # type: ignore[arg-type]
    assert not [w for w in run.summary["run"]["warnings"] if w["flag"] == "transfer_wins"]
    rates = [r["value"] for r in run.summary["rows"] if r["metric"] == "transfer_rate"]
    assert len(rates) == 4
    assert max(rates) > 50
