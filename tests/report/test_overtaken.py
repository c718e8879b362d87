"""A warning where attacks of a run found another class nearer than CLEVER says that it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from engine_world import COLOURS, ColourNet
from torch import Tensor
from transfer_world import pictures

import roadworthy as rw
from roadworthy.report.html import render
from roadworthy.report.overtaken import FLAG, Overtaken
from roadworthy.report.table import lines
from roadworthy.run import CellRecord
from roadworthy.types import Classes

CLEVER = "clever(batches=5, draws=8)"


def cell(stress: str, data: str = "d") -> CellRecord:
    return CellRecord(data, "m", stress, "fp32", "r", "l")


def frame(count: int, **columns: Any) -> pl.DataFrame:
    """Return records with the columns that are looked at, null where nothing is given."""
    nothing = dict.fromkeys(("target", "success", "pred", "label", "l2", "linf", "l1", "clever"))
    given = {"variant": "", "status": "ok", **nothing, **columns}
    rows = {
        name: value if isinstance(value, list) else [value] * count for name, value in given.items()
    }
    return pl.DataFrame({"sample": list(range(count)), **rows})


def scored(*scores: float | None, target: list[int] | None = None) -> pl.DataFrame:
    return frame(len(scores), clever=list(scores), target=target)


def attacked(*l2: float, pred: list[int] | None = None, status: str = "ok") -> pl.DataFrame:
    """Return records of images of class 0 that an attack made ``pred`` of, by default 1."""
    predicted = pred or [1] * len(l2)
    return frame(
        len(l2),
        pred=predicted,
        label=0,
        success=[one != 0 for one in predicted],
        status=status,
        l2=list(l2),
        linf=[one / 10 for one in l2],
        l1=[one * 10 for one in l2],
    )


def judged(
    scores: pl.DataFrame, *attacks: pl.DataFrame, stress: str = CLEVER
) -> list[dict[str, str]]:
    found = Overtaken()
    for number, rows in enumerate(attacks):
        found.add(cell(f"attack{number}"), "m", rows)
    found.add(cell(stress), "m", scores)
    return found.rows()


def test_both_counts_are_told() -> None:
    (entry,) = judged(scored(1.0, 1.0, 1.0, None, 1.0), attacked(0.5, 2.0, 0.9, 0.1))
    assert (entry["model"], entry["data"], entry["stress"]) == ("m", "d", CLEVER)
    assert entry["flag"] == FLAG
    assert "on 2 of 3 images" in entry["text"]


@pytest.mark.parametrize(("above", "warned"), [(0, False), (1, False), (2, True), (10, True)])
def test_a_tenth_of_the_images_may_be_above(above: int, warned: bool) -> None:
    found = judged(scored(*[1.0] * 10), attacked(*[0.9] * above, *[1.1] * (10 - above)))
    assert bool(found) is warned


def test_a_score_that_is_as_good_as_equal_is_not_above() -> None:
    assert not judged(scored(1.0), attacked(0.995))
    assert judged(scored(1.0), attacked(0.985))


def test_the_nearest_of_all_attacks_counts_in_the_norm_of_the_score() -> None:
    far, near = attacked(2.0, 2.0), attacked(3.0, 0.5)
    assert not judged(scored(1.0, 1.0), far)
    (entry,) = judged(scored(1.0, 1.0), far, near)
    assert "on 1 of 2 images" in entry["text"]
    linf = "clever(norm=Linf)"
    assert not judged(scored(0.04, 0.04), far, near, stress=linf)
    assert judged(scored(0.04, 0.06), far, near, stress=linf)


def test_what_did_not_fool_the_model_or_was_wrong_before_is_no_distance() -> None:
    assert not judged(scored(1.0, 1.0), attacked(0.1, 0.1, pred=[0, 0]))
    assert not judged(scored(1.0, 1.0), attacked(0.1, 0.1, status="clean_error"))


def test_a_distance_to_a_target_is_compared_with_inputs_that_are_taken_for_it() -> None:
    aimed = scored(1.0, 1.0, target=[2, 1])
    (entry,) = judged(aimed, attacked(0.1, 0.1))
    assert "on 1 of 1 images" in entry["text"]
    assert not judged(aimed, attacked(0.1, 0.1, pred=[1, 2]))


def test_other_data_are_not_mixed_in() -> None:
    found = Overtaken()
    found.add(cell("attack", "other"), "m", attacked(0.1))
    found.add(cell(CLEVER), "m", scored(1.0))
    assert not found.rows()


class Steep(ColourNet):
    """Gets steeper towards the boundary: the lead is the cube root of what it would be."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        top = logits.topk(2, dim=1).values
        return logits * (top[:, :1] - top[:, 1:]).clamp(min=1e-4) ** (-2 / 3)


@pytest.mark.parametrize(("net", "warned"), [(ColourNet, False), (Steep, True)])
def test_a_network_that_is_steep_where_no_point_is_drawn_is_warned_of(
    tmp_path: Path, net: type[ColourNet], warned: bool
) -> None:
    torch.manual_seed(0)
    model = rw.wrap(net(), size=16, name="net", classes=Classes(3, COLOURS))
    stresses = ["clever(batches=5, draws=8, radius=1)", "fmn(norm=L2, steps=40)"]
    run = rw.evaluate(model, pictures(tmp_path), stresses, out=tmp_path / "out")
    given = [w for w in run.summary["run"]["warnings"] if w["flag"] == FLAG]
    assert bool(given) is warned
    assert (FLAG in lines(run.summary)) is warned
    page = render(run, images=0)
    assert (FLAG in page) is warned
    assert "Do not believe" not in page  # of the attacks nothing is wrong
