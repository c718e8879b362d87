"""Small artefacts of one model, and files that tell red, green and blue apart."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.data.base import Images
from roadworthy.errors import SampleError
from roadworthy.preflight import api
from roadworthy.preflight.against.report import Artefacts
from roadworthy.types import Classes, Sample

SIZE = 32
CLASSES = Classes(3, names=("red", "green", "blue"))


class Mean(nn.Module):
    """Logits that are the mean of each channel, in an order, plus a constant."""

    def __init__(
        self, order: tuple[int, ...] = (0, 1, 2), *, more: float = 0.0, inside: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(8.0))
        self.order, self.more, self.inside = list(order), more, inside

    def forward(self, x: Tensor) -> Tensor:
        x = (x - 0.5) / 0.5 if self.inside else x
        return self.scale * x.mean((2, 3))[:, self.order] + self.more


class Noisy(Mean):
    """One that answers differently each time."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(len(x), 3)


class Broken(Mean):
    """One that gives NaN for reddish pictures."""

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x)
        return torch.where((found[:, :1] > found[:, 1:2] + 1), torch.nan, found)


def model(network: nn.Module, name: str = "m", *, mean: Any = "half", **options: Any) -> Any:
    classes = options.pop("classes", CLASSES)
    return rw.wrap(
        network,
        mean=mean,
        std=mean,
        size=SIZE,
        name=name,
        classes=classes,
        geometry="squash",
        **options,
    )


def pictures(*, each: int = 12, broken: int = 0) -> Images:
    """Return reddish, greenish and bluish files, in turn; the first ``broken`` cannot be read."""
    rng = np.random.default_rng(0)
    samples, files = [], {}
    for number in range(3 * each):
        pixels = rng.integers(40, 120, (40, 40, 3))
        pixels[:, :, number % 3] += 100
        file = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
        name = f"{number}.png"
        samples.append(Sample(name, number % 3, name))
        files[name] = file.getvalue()

    def read(sample: Sample) -> bytes:
        if int(sample.id.split(".")[0]) < broken:
            raise SampleError(f"'{sample.id}' is broken")
        return files[sample.id]

    return Images("pictures", CLASSES, samples, read)


def compared(first: Any, second: Any, data: Any = None, **more: Any) -> Artefacts:
    found = api.check(first, data, against=second, **more)
    assert isinstance(found, Artefacts)
    return found
