"""Changes of the model in a run: beside the model they are made of, and where they cannot be made."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import torch
from engine_world import colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.models.load import load
from roadworthy.models.silent import silent
from roadworthy.stress.bound import stress
from roadworthy.stress.changes import judged_by

QUANTIZE = "quantize(bits=[3, 8], ends=bits, calibration_images=2)"


class Means(nn.Module):
    """Has nothing to quantise."""

    def forward(self, x: Tensor) -> Tensor:
        return 8.0 * x.mean((2, 3))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"imagefolder:{write_pictures(tmp_path_factory.mktemp('pictures'), each=4)}"


def test_bits_are_variants_and_few_change_more(data: str, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), data, [QUANTIZE], out=tmp_path)
    rows = run.rows().filter(pl.col("stress") != "clean")
    assert set(rows["status"]) == {"ok"}
    assert set(rows["variant"]) == {"bits=3", "bits=8"}
    assert rows["modifier"].null_count() == 0
    change = rows.group_by("variant").agg(pl.col("kl_ref").mean()).sort("variant")["kl_ref"]
    assert change[0] > 10 * change[1]
    drops = [r for r in run.summary["rows"] if r["metric"] == "drop" and r["variant"] == "bits=3"]
    assert len(drops) == 1


def test_the_stress_is_the_model_of_the_same_settings(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def net():\n    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),"
        " nn.Flatten(), nn.Linear(4, 3))\n"
    )
    net = f"torch:{tmp_path / 'nets.py'}:net(size=16)"
    one = stress("quantize(bits=4, ends=bits, calibration_images=2, calibration=mse)")
    changed = judged_by(one, one.settings[0], load(net))
    made = load(f"quantized({net}, 4, ends=bits, calibration_images=2, calibration=mse)")
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(changed.logits(x), made.logits(x))
    assert not torch.equal(changed.logits(x), load(net).logits(x))


def test_a_model_that_it_cannot_be_made_of_is_an_entry_with_the_reason(
    data: str, tmp_path: Path
) -> None:
    models = [
        colour_net(),
        rw.wrap(Means(), size=16, name="means"),
        colour_net(size=None, name="unsized"),
        silent(colour_net(), "labels"),
    ]
    run = rw.evaluate(models, data, [QUANTIZE, "precision(dtype=bf16)"], out=tmp_path)
    reasons = {
        (entry["model"], entry["stress"].partition("(")[0]): entry["reason"]
        for entry in run.summary["unavailable"]
    }
    assert set(reasons) == {("means", "quantize"), ("unsized", "quantize")}
    assert "has no convolution or linear layer" in reasons["means", "quantize"]
    assert "give the model its size=" in reasons["unsized", "quantize"]
    judged = run.rows().filter(pl.col("stress").str.starts_with("quantize"))["model"].unique()
    assert set(judged) == {"colours", ""}


def test_a_change_that_no_model_allows_ends_the_run_before_it_begins(
    data: str, tmp_path: Path
) -> None:
    class Foreign:
        id, spec = "foreign", "foreign"
        pipeline, classes, gives = (
            colour_net().pipeline,
            colour_net().classes,
            colour_net().gives,
        )

        def logits(self, x: Tensor) -> Tensor:
            return Means()(x)  # type: ignore[no-any-return]

    with pytest.raises(
        rw.UsageError, match=r"can run on none of the models: foreign is not a torch"
    ):
        rw.evaluate(Foreign(), data, [QUANTIZE], out=tmp_path / "a")
    with pytest.raises(rw.UsageError, match="bits is a number of bits, 2 to 16, not 1"):
        rw.evaluate(colour_net(), data, ["quantize(bits=[8, 1])"], out=tmp_path / "b")
    assert not list(tmp_path.glob("*/records/*"))


def test_in_a_stack_it_stands_beside_another_resizer(data: str, tmp_path: Path) -> None:
    both = (
        "stack(resizer(resize=opencv-nearest), quantize(bits=3, ends=bits, calibration_images=2))"
    )
    run = rw.evaluate(
        colour_net(), data, [QUANTIZE, "resizer(resize=opencv-nearest)", both], out=tmp_path
    )
    kl = run.rows().group_by("stress", "variant").agg(pl.col("kl_ref").mean())
    found = {(s.partition("(")[0], v): k for s, v, k in kl.iter_rows()}
    assert found["stack", ""] > found["quantize", "bits=8"]
    alone = {found["quantize", "bits=3"], found["resizer", "resize=opencv-nearest"]}
    assert found["stack", ""] not in alone
    means = rw.wrap(Means(), size=16, name="means")
    with pytest.raises(rw.UsageError, match=r"none of the models: .*has no convolution"):
        rw.evaluate(means, data, [both], out=tmp_path / "b")


class Fussy(Means):
    """Does not run in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float16:
            raise RuntimeError("not implemented for 'Half'")
        return super().forward(x) * self.gain


def test_a_format_that_a_network_cannot_run_in_is_an_entry_of_its_own(
    data: str, tmp_path: Path
) -> None:
    fussy = rw.wrap(Fussy(), size=16, name="fussy")
    run = rw.evaluate(fussy, data, ["precision(dtype=[bf16, fp16])"], out=tmp_path)
    (entry,) = run.summary["unavailable"]
    assert entry["stress"] == "precision(dtype=fp16)"
    assert "cannot run in fp16 on cpu: " in entry["reason"]
    rows = run.rows().filter(pl.col("stress") != "clean")
    assert set(rows["variant"]) == {"dtype=bf16"}


def test_pools_that_fit_evenly_are_an_entry_and_others_are_judged(
    data: str, tmp_path: Path
) -> None:
    class Pooled(Means):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.pool = nn.MaxPool2d(width)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.pool(x))

    models = [rw.wrap(Pooled(w), size=16, name=f"by{w}") for w in (3, 4)]
    run = rw.evaluate(models, data, ["ceil_mode"], out=tmp_path)
    (entry,) = run.summary["unavailable"]
    assert (entry["model"], entry["stress"]) == ("by4", "ceil_mode")
    assert "on frames of 16x16: it has no pools, or all fit evenly" in entry["reason"]
    rows = run.rows().filter(pl.col("stress") == "ceil_mode")
    assert set(rows["model"]) == {"by3"}
    assert (rows["kl_ref"] > 0).all()
