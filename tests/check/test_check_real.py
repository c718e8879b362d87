"""Real networks on real images: sound ones pass, damaged or misused ones do not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from roadworthy.models.check import check, text
from roadworthy.models.demo_network import packaged

NETS = Path(__file__).parents[1] / "models" / "cifar_resnet.py"
DEMO = "demo/efficientnet_lite0"


def failed(model: str, data: str, *, limit: int) -> set[str]:
    report = check(model, data, limit=limit)
    print(text(report))
    return {f.name for f in report.findings if f.verdict == "failed"}


@pytest.mark.demo
def test_the_demo_passes() -> None:
    report = check(DEMO, "demo/photos", limit=12)
    assert report.passed, text(report)
    assert {f.verdict for f in report.findings} == {"ok"}, text(report)


@pytest.mark.demo
@pytest.mark.parametrize("kind", ["conv.weight", "bias"])
def test_one_zeroed_tensor_of_the_demo_fails(kind: str, tmp_path: Path) -> None:
    state = torch.load(packaged(), weights_only=True)
    names = [k for k, v in state.items() if v.is_floating_point() and k.endswith(kind)]
    chosen = random.Random(kind).choice(names)
    state[chosen] = torch.zeros_like(state[chosen])
    path = tmp_path / "damaged.pth"
    torch.save(state, path)
    report = check(f"{DEMO}(checkpoint='{path}')", "demo/photos", limit=2)
    assert not report.passed
    (weights,) = [f for f in report.findings if f.name == "weights"]
    assert weights.verdict == "failed"
    assert f"zero in '{chosen}'" in weights.sentence


@pytest.mark.shared
@pytest.mark.parametrize(
    ("given", "limit", "expected"),
    [
        (", mean=imagenet, std=imagenet", 40, set()),
        ("", 40, {"normalisation"}),
        pytest.param(", mean=half, std=half", 300, {"normalisation"}, marks=pytest.mark.slow),
        pytest.param(", mean=imagenet", 300, {"normalisation"}, marks=pytest.mark.slow),
    ],
)
def test_normalisation_of_a_cifar_network(
    given: str, limit: int, expected: set[str], shared: Path
) -> None:
    weights = shared / "models" / "cifar10_resnet20.th"
    model = f"torch:{NETS}:resnet20(checkpoint='{weights}'{given})"
    assert failed(model, f"parquet:{shared}/data/cifar10_test.parquet", limit=limit) == expected


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.slow
def test_the_demo_on_photographs_as_taken(shared: Path) -> None:
    data = f"csv:{shared}/data/imagenet_sample/labels.csv"
    assert failed(DEMO, data, limit=100) == set()
    assert "accuracy" in failed(f"{DEMO}(size=32)", data, limit=100)
