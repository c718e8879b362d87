"""PGD in roadworthy and in its peers, and the forward and backward passes that nobody can save."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.pictures import CIFAR, NETS, SHARED, resnet20
from bench.race import Work
from roadworthy.data.registry import open_data
from roadworthy.engine.forward import to_input
from roadworthy.evaluation import use_cores
from roadworthy.models.gradient import Counted
from roadworthy.models.load import load
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.base import run as frame_of
from roadworthy.seed import rng_for
from roadworthy.stress.attacks.pgd import pgd
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found

EPS = 8 / 255
STEP = 2 / 255


@dataclass(frozen=True)
class Images:
    """A batch of CIFAR-10 images in [0, 1] with labels; ``plain`` is contiguous NCHW for peers."""

    x: Tensor
    labels: Tensor

    @property
    def plain(self) -> Tensor:
        """The batch as peers get it."""
        return self.x.contiguous(memory_format=torch.contiguous_format)


def images(count: int) -> Images:
    """Read the first ``count`` test images."""
    dataset = open_data(f"parquet:{CIFAR}")
    samples = dataset.samples[:count]
    frames = [frame_of(dataset.read(s), Pipeline(size=None), name=s.id) for s in samples]
    return Images(to_input(np.stack(frames), "cpu"), torch.tensor([s.label for s in samples]))


def ours(count: int, steps: int) -> Work:
    """Run ``pgd`` on a prepared ResNet-20 as the engine does, counting included."""
    use_cores()
    model, batch = load(resnet20(adversarial=True)), images(count)
    ball = Ball("Linf", torch.full((count,), EPS))

    def run() -> Tensor:
        rng = BatchDraws([FastDraws(rng_for(0, "pgd", 1, str(i), "")) for i in range(count)])
        goal = Goal(batch.labels)
        found: Found = _function(pgd)(
            Counted(model), batch.x, goal, ball, steps=steps, step=STEP, rng=rng
        )
        return found.x

    return Work(run, answer=lambda found: _right(model.logits, found, batch.labels))


def bare(count: int, steps: int) -> Work:
    """Run as many forward and backward passes of the same model on the same batch."""
    use_cores()
    model, batch = load(resnet20(adversarial=True)), images(count)

    def run() -> None:
        for _ in range(steps):
            z = batch.x.detach().requires_grad_()
            loss = functional.cross_entropy(model.logits(z), batch.labels, reduction="sum")
            torch.autograd.grad(loss, z)

    return Work(run)


def foolbox(count: int, steps: int) -> Work:
    """Run foolbox's LinfPGD on the plain network."""
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfPGD

    batch, net = images(count), plain_network()
    model = PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = LinfPGD(abs_stepsize=STEP, steps=steps)

    def run() -> Tensor:
        found: Tensor = attack(model, batch.plain, batch.labels, epsilons=EPS)[1]
        return found

    return Work(run, answer=lambda found: _right(net, found, batch.labels))


def torchattacks(count: int, steps: int) -> Work:
    """Run torchattacks' PGD on the plain network."""
    from torchattacks import PGD

    batch, net = images(count), plain_network()
    attack = PGD(net, eps=EPS, alpha=STEP, steps=steps)
    return Work(
        lambda: attack(batch.plain, batch.labels),
        answer=lambda found: _right(net, found, batch.labels),
    )


def plain_network(*, adversarial: bool = True) -> nn.Module:
    """Make the same ResNet-20 as a script would, normalisation in front."""
    sys.path.append(str(NETS.parent))
    from cifar_resnet import resnet20 as architecture
    from torchvision.transforms import Normalize

    net = architecture()
    file = "cifar10_resnet20_at.pt" if adversarial else "cifar10_resnet20.th"
    saved = torch.load(SHARED / "models" / file, weights_only=True, map_location="cpu")
    weights = saved.get("state_dict", saved)
    net.load_state_dict({name.removeprefix("module."): value for name, value in weights.items()})
    normalise = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return nn.Sequential(normalise, net).eval()


def _function(definition: object) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(definition, "function")  # noqa: B009
    return function


@torch.no_grad()
def _right(net: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor) -> int:
    return int((net(x).argmax(1) == labels).sum())
