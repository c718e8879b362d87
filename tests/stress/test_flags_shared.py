"""The flags of well-known CIFAR-10 networks: none as they are, the right ones behind a mask."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cifar_resnet
import numpy as np
import polars as pl
import pytest
import torch
from masking_networks import competing
from PIL import Image
from test_flags import MASKED, draws, work_of
from torch import Tensor, nn

from roadworthy.models.keys import load_weights
from roadworthy.models.wrap import wrap
from roadworthy.stress._attacks.diagnose import diagnose

pytestmark = pytest.mark.shared
COUNT, FEW = 32, 4
NETS = {
    "cifar10_resnet20.th": cifar_resnet.resnet20,
    "cifar10_resnet32.th": cifar_resnet.resnet32,
    "cifar10_resnet44.th": cifar_resnet.resnet44,
    "cifar10_resnet20_at.pt": cifar_resnet.resnet20,
}
EXPECTED = {name: flags for name, (_, flags) in MASKED.items()}
MASKS = {name: make for name, (make, _) in MASKED.items()} | {"k-WTA": competing}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def images(shared: Path) -> Tensor:
    table = pl.read_parquet(shared / "data" / "cifar10_test.parquet").head(COUNT)
    frames = [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["image"]]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255


def flags(file: str, images: Tensor, shared: Path, mask: str | None = None) -> set[str]:
    module: nn.Module = NETS[file]()
    load_weights(module, shared / "models" / file)
    module = module if mask is None else MASKS[mask](module)
    model = wrap(module, mean="imagenet", std="imagenet", size=32)
    return set(diagnose(work_of(model, images), rng=draws(len(images)), targets=9, images=COUNT))


@pytest.mark.parametrize("file", NETS)
def test_known_networks_raise_none(file: str, images: Tensor, shared: Path) -> None:
    assert flags(file, images, shared) == set()


@pytest.mark.parametrize("mask", MASKED)
def test_masks_raise_theirs(mask: str, images: Tensor, shared: Path) -> None:
    file = list(NETS)[3 * (list(MASKED).index(mask) % 2)]  # a robust network for every other mask
    assert flags(file, images[:FEW], shared, mask) >= EXPECTED[mask]
