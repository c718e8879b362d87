"""A small world in which normalisation matters: flat images of ten colours, and who knows them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from roadworthy.data.base import Images
from roadworthy.models.check import Finding, Report, check
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.wrap import wrap
from roadworthy.types import Classes, Sample

PALETTE = np.random.default_rng(8).uniform(0.05, 0.95, (10, 3))
SIDE = 8
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
NONE = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
BYTES = ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))


def picture_of(colour: int, number: int, side: int = SIDE) -> bytes:
    """Return a PNG of one colour of the palette with noise."""
    noise = np.random.default_rng(number).normal(0.0, 0.06, (side, side, 3))
    pixels = np.clip((PALETTE[colour] + noise) * 255, 0, 255).round().astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def colours(
    labels: Sequence[int], *, shown: Sequence[int] | None = None, classes: int | None = 10
) -> Images:
    """Return data of one image for each label; ``shown`` is what the images show, where it differs."""
    files = [picture_of(c, i) for i, c in enumerate(labels if shown is None else shown)]
    samples = [Sample(f"i{i:03}", label, f"{i}", i) for i, label in enumerate(labels)]
    return Images("colours", Classes(classes), samples, lambda sample: files[sample.location])


LABELS = [i % 10 for i in range(60)]
DATA = colours(LABELS)


class Palette(nn.Module):
    """Knows the colours: logits fall with the distance from each, in normalised space."""

    def __init__(
        self,
        mean: Sequence[float] = NONE[0],
        std: Sequence[float] = NONE[1],
        *,
        sharp: float = 200.0,
        bgr: bool = False,
    ) -> None:
        super().__init__()
        palette = torch.from_numpy(PALETTE[:, ::-1].copy() if bgr else PALETTE).float()
        centres = (palette - torch.tensor(mean)) / torch.tensor(std)
        scale = sharp * float(np.mean(std)) ** 2
        self.linear = nn.Linear(3, len(PALETTE))
        self.linear.weight = nn.Parameter(2 * scale * centres)
        self.linear.bias = nn.Parameter(-scale * centres.square().sum(dim=1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(x.mean(dim=(2, 3)))
        return out


class Then(nn.Module):
    """A palette between what is done to its input and to its output."""

    def __init__(self, before: Any = None, after: Any = None, **options: Any) -> None:
        super().__init__()
        self.palette = Palette(**options)
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.before is None else self.before(x)
        out = self.palette(x)
        result: Tensor = out if self.after is None else self.after(out)
        return result


def wrapped(module: nn.Module | None = None, **options: Any) -> TorchClassifier:
    """Return a classifier of frames of the size of the world."""
    return wrap(Palette() if module is None else module, size=SIDE, **options)


def examined(model: Any, data: Images = DATA, **options: Any) -> Report:
    """Return the report on a model."""
    return check(model, data, **options)


def found(report: Report, name: str) -> Finding:
    """Return the one finding of this name."""
    (finding,) = [f for f in report.findings if f.name == name]
    return finding


def failures(report: Report) -> set[str]:
    """Return the names of all that failed."""
    return {f.name for f in report.findings if f.verdict == "failed"}
