"""A model and itself with fewer bits: which models are judged, what is handed on, what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import COLOURS, write_pictures
from PIL import Image
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.jobs import closing
from roadworthy.models.load import load
from roadworthy.report.html import render
from roadworthy.suites import resolve
from roadworthy.types import Classes

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, tint=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 3, 1)
        self.head = nn.Linear(3, 3, bias=False)
        with torch.no_grad():
            self.one.weight.mul_(0.1)
            self.one.weight[:3, :, 1, 1] += torch.eye(3)
            self.two.weight.zero_()
            self.two.weight[:, :3, 0, 0] = torch.eye(3)
            self.head.weight.copy_(40 * torch.eye(3).flip(0) + tint)
            self.one.bias.zero_(), self.two.bias.zero_()
    def forward(self, x):
        return self.head(self.two(torch.relu(self.one(x))).mean((2, 3)))

def net(tint=0.0):
    return Net(tint)
"""

FEW = "robustmq(bits=[8, 3], eps=24/255)"
World = tuple[str, str, Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the spec of a network, that of data, and a folder."""
    folder = tmp_path_factory.mktemp("robustmq")
    (folder / "nets.py").write_text(NETS)
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=4)}"
    return load(f"torch:{folder / 'nets.py'}:net(size=16)").spec, data, folder  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def run(world: World) -> rw.Run:
    net, data, folder = world
    return rw.evaluate(net, data, [FEW], out=folder / "run")


def made(net: str, bits: int) -> str:
    number = "" if bits == 8 else f"bits={bits}, "
    return f"quantized({net}, {number}calibration=mse)"


def test_each_model_is_judged_with_every_number_of_bits(run: rw.Run, world: World) -> None:
    net = world[0]
    judged = [model["spec"] for model in run.models()]
    assert judged == [net, made(net, 8), made(net, 3)]
    for spec in judged[1:]:  # and is what that text names
        again = load(spec)
        assert again.spec == spec  # type: ignore[attr-defined]
        ids = run.rows().filter(pl.col("model") == spec)["model_id"].unique().to_list()
        assert ids == [again.id]


def test_every_axis_has_rows_of_every_model(run: rw.Run, world: World) -> None:
    wanted = {one.spec for one in resolve([FEW])[0]} | {"clean"}
    for model in run.models():
        rows = run.rows().filter(pl.col("model") == model["spec"], pl.col("norm").is_null())
        attacks = run.rows().filter(pl.col("model") == model["spec"], pl.col("norm").is_not_null())
        assert set(rows["stress"]) | set(attacks["stress"]) == wanted
        assert set(rows["status"]) == {"ok"}


def test_what_fools_the_float_model_is_shown_to_the_others_and_no_other(
    run: rw.Run, world: World
) -> None:
    net = world[0]
    attacks = run.rows().filter(pl.col("norm").is_not_null())
    pairs = set(attacks.select("source", "model").unique().iter_rows())
    others = [made(net, 8), made(net, 3)]
    own = {(spec, spec) for spec in (net, *others)}
    assert {(source or model, model) for source, model in pairs} == own | {(net, o) for o in others}
    clean = run.rows().filter(pl.col("stress") == "clean", pl.col("model") == net)
    right = int(clean["correct"].sum())
    assert right >= 6
    assert run.runs[-1]["crafted"] == {net: 2 * right}  # two attacks, each once for all


def test_attacks_on_a_quantised_model_are_those_on_it_alone(run: rw.Run, world: World) -> None:
    net, data, folder = world
    spec = made(net, 3)
    alone = rw.evaluate(spec, data, ["pgd(eps=24/255, steps=20)"], out=folder / "alone")

    def verdicts(one: rw.Run) -> pl.DataFrame:
        rows = one.rows().filter(pl.col("stress").str.starts_with("pgd"), pl.col("model") == spec)
        own = rows.filter(pl.col("source").is_null() | (pl.col("source") == spec))
        return own.select("sample", "pred", "success", "linf", "steps_used").sort("sample")

    assert verdicts(run).equals(verdicts(alone))
    assert verdicts(run)["success"].sum() > 0


def test_the_same_command_goes_on_and_more_bits_only_add(world: World) -> None:
    net, data, folder = world
    first = rw.evaluate(net, data, [FEW], out=folder / "again", limit=6)
    rows = first.rows()
    second = rw.evaluate(net, data, [FEW], out=folder / "again", limit=6)
    assert second.runs[-1]["parts_written"] == 0
    assert set(second.runs[-1]["crafted"].values()) == {0}
    assert second.rows().equals(rows)
    third = rw.evaluate(net, data, [FEW.replace("3]", "3, 5]")], out=folder / "again", limit=6)
    assert set(third.runs[-1]["crafted"].values()) == {0}
    assert third.runs[-1]["parts_written"] > 10
    assert third.rows().filter(pl.col("model") != made(net, 5)).height == rows.height
    assert len(third.summary["bits"][-1]["lines"]) == 4


def test_the_summary_has_a_line_for_each_number_of_bits(run: rw.Run, world: World) -> None:
    net = world[0]
    (entry,) = run.summary["bits"]
    assert (entry["suite"], entry["model"]) == (resolve([FEW])[1][0].spec, net)
    assert [line["called"] for line in entry["lines"]] == ["float", "8 bits", "3 bits"]
    rows = run.rows()

    def accuracy(model: str, stress: str, source: str | None = None) -> float:
        own = rows.filter(pl.col("model") == model, pl.col("stress").str.starts_with(stress))
        makers = pl.col("source").fill_null(model) == (source or model)
        kept = own.filter(makers)
        if kept["norm"].is_not_null().any():
            held = kept["success"].drop_nulls().to_list().count(False)
            return 100 * held / len(kept)
        return 100 * float(kept["correct"].mean())  # type: ignore[arg-type]

    names = ("gaussian_noise", "impulse_noise", "glass_blur", "brightness", "jpeg_compression")
    noises = ("resizer(resize=opencv-nearest", "resizer(resize=opencv-linear", "yuv")
    for line in entry["lines"]:
        model, scores = line["model"], {one["axis"]: one for one in line["scores"]}
        attacked = [accuracy(model, name) for name in ("fgsm", "pgd")]
        wanted = {
            "clean": accuracy(model, "clean"),
            "corruptions": np.mean([accuracy(model, name) for name in names]),
            "attacked": min(attacked),
            "systematic": np.mean([accuracy(model, name) for name in noises]),
            "worst": min(accuracy(model, name) for name in noises),
        }
        if model != net:
            wanted["handed_on"] = min(accuracy(model, name, net) for name in ("fgsm", "pgd"))
        assert {axis: one["value"] for axis, one in scores.items()} == pytest.approx(wanted)
        assert scores["attacked"]["of"].startswith(("fgsm", "pgd"))
        assert scores["clean"]["low"] < scores["clean"]["value"] or scores["clean"]["value"] == 0


def test_terminal_and_page_have_the_table(run: rw.Run) -> None:
    said = closing(run).splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("robustmq(bits=[8, 3]"))
    heads = said[at + 1].split("  ")
    assert [head.strip() for head in heads if head.strip()] == [
        *("clean %", "corrupted %", "attacked %", "made for float %", "systematic %", "worst %")
    ]
    assert [line.split("  ")[0].strip() for line in said[at + 2 : at + 5]] == [
        *("float", "8 bits", "3 bits")
    ]
    assert "–" in said[at + 2]
    page = render(run, images=0)
    assert "Fewer bits" in page
    assert "3 bits" in page
    assert "gradients are masked and the lower number counts" in page


def test_a_run_of_something_else_says_nothing_of_bits(world: World) -> None:
    net, data, folder = world
    other = rw.evaluate([net, made(net, 8)], data, ["clean"], out=folder / "other", limit=3)
    assert other.summary["bits"] == []
    assert "Fewer bits" not in render(other, images=0)


def test_models_that_are_there_already_are_judged_once(world: World) -> None:
    net, data, folder = world
    models = [made(net, 3), net, f"quantized({net}, bits=5)"]
    run = rw.evaluate(models, data, [FEW], out=folder / "there", limit=3)
    judged = [model["spec"] for model in run.models()]
    assert judged == [made(net, 3), net, made(net, 8), f"quantized({net}, bits=5)"]
    (entry,) = run.summary["bits"]
    assert [line["called"] for line in entry["lines"]] == ["float", "3 bits", "8 bits"]


class Means(nn.Module):
    """Has nothing to quantise."""

    def forward(self, x: Tensor) -> Tensor:
        return 8.0 * x.mean((2, 3))


def test_a_model_without_layers_is_told_of_and_judged_as_it_is(world: World) -> None:
    net, data, folder = world
    plain = rw.wrap(Means(), size=16, name="means", classes=Classes(3, COLOURS))
    run = rw.evaluate([plain, net], data, [FEW], out=folder / "plain", limit=3)
    reasons = {entry["model"]: entry["reason"] for entry in run.summary["unavailable"]}
    assert "robustmq: wrap/means@" in reasons["means"]
    assert "no convolution or linear layer" in reasons["means"]
    assert len(list(run.models())) == 4
    live = rw.wrap(Hides(), size=16, name="live", classes=Classes(3, COLOURS))
    run = rw.evaluate(live, data, ["robustmq(bits=4)"], out=folder / "live", limit=3)
    assert [m["spec"] for m in run.models()] == ["live", "quantized(live, bits=4, calibration=mse)"]


@pytest.mark.slow
def test_processes_judge_the_same(run: rw.Run, world: World) -> None:
    net, data, folder = world
    other = rw.evaluate(net, data, [FEW], out=folder / "many", executor="processes")
    key = ["stress", "variant", "model", "source", "sample"]
    kept = [*key, "pred", "success", "status"]
    both = [one.rows().select(kept).sort(key) for one in (run, other)]
    assert both[0].equals(both[1])


class Hides(nn.Module):
    """Its one layer sees means of colours: those of solid pictures lie beyond all that calibrates it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3, bias=False)
        self.head.weight.data = 10.0 * torch.eye(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]


def solid(folder: Path, *, each: int) -> str:
    """Return the spec of a folder of pictures of nearly one colour each."""
    for index, colour in enumerate(COLOURS):
        (folder / colour).mkdir(parents=True)
        for number in range(each):
            pixels = np.full((16, 16, 3), 20 + number, np.uint8)
            pixels[..., index] = 230 - number
            Image.fromarray(pixels).save(folder / colour / f"{number}.png")
    return f"imagefolder:{folder}"


def test_masked_gradients_are_told_of(tmp_path: Path) -> None:
    """Rounding saturates there, so that no gradient gets through, but what fools the rest does."""
    model = rw.wrap(Hides(), size=16, name="hides", classes=Classes(3, COLOURS))
    data = solid(tmp_path / "pictures", each=5)
    run = rw.evaluate(
        model, data, ["robustmq(bits=8, eps=0.48, calibration=minmax)"], out=tmp_path / "r"
    )
    entries = [w for w in run.summary["run"]["warnings"] if w["flag"] == "transfer_wins"]
    assert {w["model"] for w in entries} == {"quantized(hides)"}
    assert "made for 'hides'" in entries[0]["text"]
    scores = {
        line["called"]: {one["axis"]: one["value"] for one in line["scores"]}
        for line in run.summary["bits"][0]["lines"]
    }
    assert scores["8 bits"]["attacked"] > 50 > scores["8 bits"]["handed_on"]
    said = closing(run)
    assert "transfer_wins: images that the same attack made for 'hides'" in said
    assert "its gradients are masked" in render(run, images=0)


def test_gradients_that_go_straight_through_give_no_warning(run: rw.Run) -> None:
    assert not [w for w in run.summary["run"]["warnings"] if w["flag"] == "transfer_wins"]


def members(text: str) -> list[str]:
    return [one.spec for one in resolve([text])[0]]


def test_budgets_and_what_may_be_given() -> None:
    quick, paper = members("robustmq"), members("robustmq(budget=paper, eps=[1/255, 4/255])")
    assert len(quick) == 5 + 2 + 3
    assert "pgd(eps=2/255, steps=20)" in quick
    assert len(paper) == 15 + 2 * 3 + 13
    assert {"autoattack(eps=1/255)", "autoattack(eps=4/255)", "gaussian_noise"} <= set(paper)
    assert resolve(["robustmq"])[1][0].spec == "robustmq"
    assert resolve(["robustmq(bits=[8, 6, 4, 2], calibration=mse)"])[1][0].spec == "robustmq"
    derive: Any = resolve(["robustmq(bits=2..4)"])[1][0].derive
    net = rw.wrap(Hides(), size=16, name="h", classes=Classes(3, COLOURS))
    assert [called for called, _ in derive(net)] == ["2 bits", "3 bits", "4 bits"]
    for text, said in (
        ("robustmq(bits=1)", "robustmq: bits is a number of bits, 2 to 16, not 1"),
        ("robustmq(budget=long)", "expected one of 'quick', 'paper'"),
        ("robustmq(bit=4)", "did you mean 'bits'"),
        ("robustmq(eps=-1)", "eps must be a size"),
    ):
        with pytest.raises(rw.UsageError, match=said):
            members(text)
