"""Well-known CIFAR-10 networks, read from their published files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import Tensor

from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.load import load

pytestmark = pytest.mark.shared
NETS = Path(__file__).with_name("cifar_resnet.py")
IMAGES = 1000


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine two threads wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def cifar(shared: Path) -> tuple[Tensor, Tensor]:
    table = pl.read_parquet(shared / "data" / "cifar10_test.parquet").head(IMAGES)
    frames = [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["image"]]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    return x, torch.from_numpy(table["label"].to_numpy().copy())


# On all 5000 images: 81.02, 82.90, 82.64 % and 68.2 %; the first thousand are a little harder.
@pytest.mark.parametrize(
    ("name", "file", "parameters", "images", "low", "high"),
    [
        ("resnet20", "cifar10_resnet20.th", 269_722, 1000, 78.5, 79.1),
        ("resnet32", "cifar10_resnet32.th", 464_154, 200, 73, 89),
        ("resnet44", "cifar10_resnet44.th", 658_586, 200, 73, 89),
        ("resnet20", "cifar10_resnet20_at.pt", 269_722, 400, 60, 74),
    ],
)
def test_accuracy_is_the_known_one(
    name: str,
    file: str,
    parameters: int,
    images: int,
    low: float,
    high: float,
    shared: Path,
    cifar: tuple[Tensor, Tensor],
) -> None:
    checkpoint = shared / "models" / file
    model = load(
        f"torch:{NETS}:{name}(checkpoint={checkpoint}, mean=imagenet, std=imagenet, size=32)"
    )
    assert isinstance(model, TorchClassifier)
    assert model.metadata.parameters == parameters
    assert model.notes == ()
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in model.module.modules())
    x, y = (part[:images] for part in cifar)
    with torch.inference_mode():
        right = [
            model.logits(a).argmax(dim=1) == b
            for a, b in zip(torch.split(x, 50), torch.split(y, 50), strict=True)
        ]
    assert low <= 100 * torch.cat(right).float().mean() <= high


def test_resnet56_is_the_deepest(shared: Path) -> None:
    assert load(f"torch:{NETS}:resnet56").metadata.parameters == 853_018  # type: ignore[attr-defined]
