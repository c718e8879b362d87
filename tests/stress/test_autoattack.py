"""AutoAttack is its members in turn: which ones, in which order, with which settings."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import torch
from engine_world import colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.stress.attacks.autoattack import members_of
from roadworthy.stress.bound import stress
from roadworthy.types import Classes


def _settled(version: str, norm: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for member in members_of(version, norm):  # type: ignore[arg-type]
        text = f"{member}"
        head, _, rest = text.partition("(")
        minimal = head.startswith("fab")
        given = [part for part in (rest.rstrip(")"), f"norm={norm}") if part]
        one = stress(f"{head}({', '.join([*given, *([] if minimal else ['eps=1/10'])])})")
        found.append((head, dict(one.settings[0].arguments)))
    return found


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
def test_the_standard_version_is_the_published_one(norm: str) -> None:
    names = [name for name, _ in _settled("standard", norm)]
    assert names == ["apgd", "apgd_targeted", "fab_targeted", "square"]
    apgd, targeted, fab, square = (given for _, given in _settled("standard", norm))
    assert (apgd["steps"], apgd["loss"], apgd["restarts"]) == (
        100,
        "cross_entropy",
        5 if norm == "L1" else 1,
    )
    assert (targeted["steps"], targeted["loss"], targeted["restarts"]) == (100, "dlr", 1)
    assert targeted["targets"] == (5 if norm == "L1" else 9)
    assert (fab["targets"], fab["steps"], fab["restarts"]) == (9, 100, 1)
    assert (fab["overshoot"], fab["largest_bias"], fab["backward"]) == (1.05, 0.1, 0.9)
    assert (square["queries"], square["initial_fraction"], square["rescale"]) == (5000, 0.8, False)
    assert square["restarts"] == 1
    assert apgd["increase_share"] == targeted["increase_share"] == 0.75


def test_the_other_versions_are_the_published_ones() -> None:
    plus = _settled("plus", "Linf")
    assert [name for name, _ in plus] == [
        "apgd",
        "apgd",
        "fab",
        "square",
        "apgd_targeted",
        "fab_targeted",
    ]
    assert [given["loss"] for _, given in plus[:2]] == ["cross_entropy", "dlr"]
    assert [given["restarts"] for _, given in plus] == [5, 5, 5, 1, 1, 1]
    rand = _settled("rand", "L2")
    assert [(name, given["loss"]) for name, given in rand] == [
        ("apgd", "cross_entropy"),
        ("apgd", "dlr"),
    ]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"imagefolder:{write_pictures(tmp_path_factory.mktemp('aa') / 'pictures', each=4)}"


def _attacked(run: rw.Run) -> pl.DataFrame:
    return run.rows().filter(pl.col("stress").str.starts_with("autoattack"))


def test_the_random_version_takes_twenty_gradients_a_step(pictures: str, tmp_path: Path) -> None:
    net = Wobbling()
    model = rw.wrap(net, size=16, name="wobbling", classes=Classes(3))
    run = rw.evaluate(
        model, pictures, "autoattack(eps=1/1000, version=rand)", out=tmp_path / "run", limit=8
    )
    rows = _attacked(run).filter(pl.col("status") == "ok", ~pl.col("success"))
    assert len(rows)
    # two attacks of 100 gradients, each the mean of 20
    assert set(rows["backwards"]) == {2 * 100 * 20}
    assert rows["flags"].list.contains("randomised").all()


def test_a_network_without_a_graph_is_left_to_square(pictures: str, tmp_path: Path) -> None:
    model = rw.wrap(Detached(), size=16, name="detached", classes=Classes(3))
    run = rw.evaluate(model, pictures, "autoattack(eps=60/255)", out=tmp_path / "run")
    rows = _attacked(run).filter(pl.col("status") == "ok")
    assert rows["flags"].list.contains("disconnected").all()
    assert rows["broken_by"].drop_nulls().unique().to_list() == ["square"]
    assert rows["backwards"].max() == 0


def test_a_clean_network_raises_no_flag(pictures: str, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), pictures, "autoattack(eps=60/255)", out=tmp_path / "run")
    rows = _attacked(run).filter(pl.col("status") == "ok")
    # Three classes are too few for targeted DLR, and nothing else is wrong with it.
    assert {flag for flags in rows["flags"] for flag in flags} == {"few_classes"}
    assert rows["success"].all()


class Wobbling(nn.Module):
    """Means of the channels with noise of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((3,), 8.0))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x.mean((2, 3)) * self.gain
        return out + 0.01 * torch.randn_like(out)


class Detached(nn.Module):
    """Means of the channels, cut off from the input."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((3,), 8.0))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x.detach().mean((2, 3)) * self.gain
        return out
