"""Few bits on trained networks: 8 cost little, 2 everything; and attacks on what they leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

import roadworthy as rw
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as prepared
from roadworthy.types import Classifier

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
Images = tuple[Tensor, Tensor]


def net(shared: Path, name: str = "resnet20") -> str:
    checkpoint = shared / "models" / f"cifar10_{name}.th"
    return f"torch:{NETS}:{name}(checkpoint={checkpoint}, mean=imagenet, std=imagenet, size=32)"


def images(data: str, model: Classifier, count: int) -> Images:
    """Return the first frames of a data set, (N, 3, H, W) in [0, 1], and their labels."""
    opened = open_data(data)
    samples = order(opened.samples, seed=0)[:count]
    frames = [prepared(opened.read(s), model.pipeline, name=s.id) for s in samples]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2) / 255.0
    return x, torch.tensor([s.label for s in samples])


@torch.inference_mode()
def logits(model: Classifier, x: Tensor) -> Tensor:
    return torch.cat([model.logits(part) for part in torch.split(x, 100)])


def top1(model: Classifier, found: Images) -> float:
    x, labels = found
    return 100 * float((logits(model, x).argmax(1) == labels).float().mean())


@pytest.mark.shared
@pytest.mark.parametrize("calibration", ["minmax", pytest.param("mse", marks=pytest.mark.slow)])
def test_bits_of_a_cifar_network(shared: Path, calibration: str) -> None:
    spec = net(shared)
    found = images(f"parquet:{shared / 'data' / 'cifar10_test.parquet'}", load(spec), 100)
    text = f"quantized({spec}, {{}}, calibration={calibration})"
    scores = {b: top1(load(text.format(f"bits={b}")), found) for b in (8, 4, 2)}
    clean = top1(load(spec), found)
    assert abs(scores[8] - clean) <= 4  # images
    assert clean - 20 < scores[4] < clean + 4
    assert scores[2] < 30  # chance is 10


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet20", "resnet32", "resnet44"])
def test_bits_of_all_cifar_networks_on_a_thousand_images(shared: Path, name: str) -> None:
    spec = net(shared, name)
    found = images(f"parquet:{shared / 'data' / 'cifar10_test.parquet'}", load(spec), 1000)
    text = f"quantized({spec}, bits={{}}, calibration=mse)"
    scores = [top1(load(text.format(bits)), found) for bits in (2, 4, 6, 8)]
    clean = top1(load(spec), found)
    assert all(low < high + 1.0 for low, high in zip(scores, [*scores[1:], clean], strict=True))
    assert clean - scores[3] < 1.0
    assert scores[0] < 30 < scores[1]


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.slow
def test_bits_of_a_real_imagenet_network(shared: Path) -> None:
    spec = "demo/efficientnet_lite0"
    x, _ = images(f"csv:{shared / 'data' / 'imagenet_sample' / 'labels.csv'}", load(spec), 100)
    wanted = logits(load(spec), x)

    def noise(settings: str) -> float:
        got = logits(load(f"quantized({spec}, {settings})"), x)
        agree = float((got.argmax(1) == wanted.argmax(1)).float().mean())
        assert (agree > 0.95) == (settings == "bits=8")
        return float((got - wanted).square().mean() / wanted.square().mean())

    by_channel, together = noise("bits=8"), noise("bits=8, per_channel=false")
    assert by_channel < 0.05
    assert together > 5 * by_channel  # small channels of depthwise layers vanish
    assert noise("bits=2") > 0.5
    half = logits(load(f"modified({spec}, precision(dtype=bf16))"), x)
    assert float((half.argmax(1) == wanted.argmax(1)).float().mean()) > 0.95


@pytest.mark.shared
@pytest.mark.slow
def test_straight_through_attacks_are_as_strong_as_those_on_the_float_network(
    shared: Path, tmp_path: Path
) -> None:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    pgd, spec = "pgd(eps=1/255, steps=5)", net(shared)
    models = [spec, f"quantized({spec}, bits=4)", f"quantized({spec})"]
    run = rw.evaluate(models, data, [pgd], out=tmp_path / "t", transfer=True, limit=64)
    rate = {
        (row["source"] or row["model"], row["model"]): row["value"]
        for row in run.summary["rows"]
        if row["metric"] == "transfer_rate"
    }
    names = [load(model).spec for model in models]  # type: ignore[attr-defined]
    for judge in names[1:]:
        assert rate[judge, judge] >= rate[names[0], judge]
    assert not [w for w in run.summary["run"]["warnings"] if w["flag"] == "transfer_wins"]
    alone = rw.evaluate(models[1], data, [pgd], out=tmp_path / "alone", limit=64)

    def verdicts(one: rw.Run) -> pl.DataFrame:
        rows = one.rows().filter(pl.col("norm") == "Linf", pl.col("model") == names[1])
        own = rows.filter(pl.col("source").fill_null(names[1]) == names[1])
        return own.select("sample", "pred", "success", "linf").sort("sample")

    assert verdicts(run).equals(verdicts(alone))  # the diagonal is the white box
    assert len(verdicts(alone)) == 64
