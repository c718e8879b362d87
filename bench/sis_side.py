"""Sufficient input subsets in roadworthy, the passes that nobody can save it, and the plain loops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms import Normalize

from bench.attack_side import images, plain_network
from bench.pictures import LITE0, imagenet, resnet20
from bench.plain_clean import network
from bench.race import Work
from roadworthy.data.registry import open_data
from roadworthy.engine.forward import to_input
from roadworthy.evaluation import use_cores
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as frame_of
from roadworthy.spec import parse
from roadworthy.stress import masks
from roadworthy.stress._subsets.back_select import back_select
from roadworthy.stress._subsets.confidence import (
    SLOPES_AT_ONCE,
    TRIED_AT_ONCE,
    OfClass,
    at_once,
    log_odds,
    probability,
)
from roadworthy.stress._subsets.removal import Removal, sufficient
from roadworthy.stress._subsets.schedule import Schedule
from roadworthy.stress.masks.base import MaskContext

EVERY = 1 << 30
"""Units left from which on each is tried."""

FEW = 16
"""Of fewer images a network may be sure of none."""


@dataclass(frozen=True)
class Scene:
    """Some images of a network, as prepared and as a script would have it.

    ``units`` is how many pixels may go: as many steps are enough to be timed, and each takes as long
    however many are left.
    """

    net: str
    count: int
    units: int

    @cached_property
    def model(self) -> Any:
        """The prepared classifier."""
        return load(LITE0 if self.net == "lite0" else resnet20(adversarial=False))

    @cached_property
    def x(self) -> Tensor:
        """The images in [0, 1], channels last."""
        if self.net != "lite0":
            return images(self.count).x
        dataset = open_data(imagenet(self.count).spec)
        named = dataset.samples[: self.count]
        frames = [frame_of(dataset.read(s), self.model.pipeline, name=s.id) for s in named]
        found: Tensor = to_input(np.stack(frames), "cpu")
        return found

    @property
    def plain(self) -> nn.Module:
        """The network as a script would have it, normalisation in front."""
        if self.net == "lite0":
            return nn.Sequential(Normalize((0.5,) * 3, (0.5,) * 3), network())
        return plain_network(adversarial=False)

    @property
    def mean(self) -> Tensor:
        """The colour that stands for pixels that went."""
        return torch.tensor(self.model.mean)

    @cached_property
    def kept(self) -> Tensor:
        """Which pixels are there at the beginning, (N, H, W): the last ones, row by row."""
        height, width = self.x.shape[2:]
        kept = torch.zeros(self.count, height * width, dtype=torch.bool)
        kept[:, -min(self.units, height * width) :] = True
        return kept.view(self.count, height, width)

    def confidence(self) -> OfClass:
        """Return how sure the model is of its predictions."""
        context = MaskContext(self.mean, lambda: self.x)
        names = [str(i) for i in range(self.count)]
        shown = masks.one(parse("mean")).shown(self.model, self.x, context, samples=names)
        with torch.no_grad():
            classes = self.model.logits(self.x).argmax(1)
        return OfClass(shown, classes)


def ours(net: str, count: int, units: int, k: int = 1, exact: bool = False) -> Work:
    """Order the pixels of a batch, by slopes or by trying each."""
    use_cores()
    scene = Scene(net, count, units)
    confidence = scene.confidence()
    schedule = Schedule("constant", k, 0.0, 0.0, EVERY if exact else 0)
    return Work(lambda: back_select(confidence, scene.kept, schedule), answer=_answer)


def bare(net: str, count: int, units: int, k: int = 1) -> Work:
    """Run as many forward and backward passes of the same model on the same batch, cut as ours is."""
    use_cores()
    scene = Scene(net, count, units)
    steps, _ = Schedule("constant", k, 0.0, 0.0, 0).steps(units)
    height, width = scene.x.shape[2:]
    together = at_once(SLOPES_AT_ONCE, (height, width))
    classes = torch.zeros(count, dtype=torch.long)

    def run() -> None:
        for _ in range(steps):
            pieces = (torch.split(of, together) for of in (scene.x, classes))
            for x, c in zip(*pieces, strict=True):
                z = x.detach().requires_grad_()
                torch.autograd.grad(log_odds(scene.model.logits(z), c).sum(), z)
        with torch.no_grad():  # so few steps would be charged with the pass without any pixel
            for x in torch.split(scene.x, at_once(TRIED_AT_ONCE, (height, width))):
                scene.model.logits(x)

    return Work(run)


def alone(net: str, count: int, units: int, k: int = 1) -> Work:
    """Order the pixels of one image at a time, as a script does it: the plain network, NCHW."""
    use_cores()
    scene = Scene(net, count, units)
    plain, mean = scene.plain, scene.mean.view(3, 1, 1)
    batch = scene.x.contiguous(memory_format=torch.contiguous_format)
    with torch.no_grad():
        classes = [int(plain(x[None]).argmax()) for x in batch]

    def one(x: Tensor, label: int, kept: Tensor) -> list[float]:
        gate, seen = kept.float(), []
        while gate.any():
            gate = gate.detach().requires_grad_()
            p = plain((mean + gate * (x - mean))[None]).softmax(1)[0, label]
            p.backward()
            seen.append(float(p.detach()))
            assert gate.grad is not None
            ranked = torch.where(gate.detach() > 0, -gate.grad, -torch.inf).flatten()
            gate = gate.detach()
            gate.view(-1)[ranked.topk(min(k, int(gate.sum()))).indices] = 0
        return seen

    def run() -> list[list[float]]:
        each = zip(batch, classes, scene.kept, strict=True)
        return [one(x, label, kept) for x, label, kept in each]

    return Work(run, answer=lambda found: float(np.mean([np.mean(one) for one in found])))


def tried_alone(net: str, count: int, units: int) -> Work:
    """Order pixels by trying each, one forward pass after the other: the plain network, NCHW."""
    use_cores()
    scene = Scene(net, count, units)
    plain, mean = scene.plain, scene.mean.view(3, 1)
    batch = scene.x.contiguous(memory_format=torch.contiguous_format)
    with torch.no_grad():
        classes = [int(plain(x[None]).argmax()) for x in batch]

    @torch.no_grad()
    def one(x: Tensor, label: int, kept: Tensor) -> list[float]:
        now = torch.where(kept, x, mean[..., None])
        left, seen = kept.flatten().nonzero().flatten().tolist(), []
        while left:
            tried = []
            for unit in left:
                candidate = now.clone()
                candidate.view(3, -1)[:, unit : unit + 1] = mean
                tried.append(float(plain(candidate[None]).softmax(1)[0, label]))
            best = int(np.argmax(tried))
            now.view(3, -1)[:, left.pop(best)] = mean.squeeze(1)
            seen.append(tried[best])
        return seen

    def run() -> list[list[float]]:
        each = zip(batch, classes, scene.kept, strict=True)
        return [one(x, label, kept) for x, label, kept in each]

    return Work(run, answer=lambda found: float(np.mean([np.mean(one) for one in found])))


def subsets(net: str, count: int, kind: str, k: int, rate: float, threshold: float) -> Work:
    """Find and verify the subsets of images that a network is sure enough of, from beginning to end."""
    use_cores()
    scene = _sure(net, count, threshold)
    decay = 0.9 if kind == "geometric" else 0.0
    schedule = Schedule("geometric" if kind == "geometric" else "constant", k, rate, decay, 0)

    def run() -> dict[str, Any]:
        confidence = scene.confidence()
        removal = back_select(confidence, scene.kept, schedule)
        found = sufficient(removal, threshold)
        with torch.no_grad():
            x, model = confidence.shown.view(torch.from_numpy(found.kept))
            sure = probability(model.logits(x), confidence.classes)
        good = torch.from_numpy(found.found)
        return {
            "sizes": found.kept.sum((1, 2))[found.found].tolist(),
            "verified": bool((sure[good] >= threshold - 1e-4).all()),
        }

    return Work(run, warm=lambda: scene.confidence(), answer=lambda found: found)


def _sure(net: str, count: int, threshold: float) -> Scene:
    """Return a scene of the first images that the network is sure enough of."""
    wide = Scene(net, max(3 * count, FEW), EVERY)
    confidence = wide.confidence()
    values = confidence.values(torch.arange(len(wide.x)), wide.kept)
    chosen = (values >= threshold).nonzero().flatten()[:count]
    scene = Scene(net, len(chosen), EVERY)
    scene.__dict__.update(model=wide.model, x=wide.x[chosen])
    return scene


def _answer(removal: Removal) -> float:
    """Return the mean confidence on the way: before each step by slopes, after each that was tried."""
    return float(np.nanmean(removal.confidence))
