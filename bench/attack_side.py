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
from roadworthy.engine.options import Precision
from roadworthy.evaluation import use_cores
from roadworthy.models.gradient import Counted
from roadworthy.models.load import load
from roadworthy.models.precision import in_precision
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.base import run as frame_of
from roadworthy.seed import rng_for
from roadworthy.stress.attacks.pgd import pgd
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found, Stop

EPS = 8 / 255
STEP = 2 / 255
BATCH = 64
"""Images that peers get at once: of 32, 64 and 128 the fastest for them."""


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


def ours(
    count: int,
    steps: int,
    adversarial: bool = True,
    stop: Stop = "never",
    precision: Precision = "fp32",
) -> Work:
    """Run ``pgd`` on a prepared ResNet-20 as the engine does, counting included.

    Under ``precision`` bf16 it searches with the faster model; what it finds is judged in float32.
    """
    use_cores()
    model, batch = load(resnet20(adversarial=adversarial)), images(count)
    searched = in_precision(model, precision)
    ball = Ball("Linf", torch.full((count,), EPS))

    def run() -> Tensor:
        rng = BatchDraws([FastDraws(rng_for(0, "pgd", 1, str(i), "")) for i in range(count)])
        goal = Goal(batch.labels)
        found: Found = _function(pgd)(
            Counted(searched), batch.x, goal, ball, steps=steps, step=STEP, stop=stop, rng=rng
        )
        return found.x

    return Work(run, answer=lambda found: _judged(model.logits, found, batch.labels))


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


def foolbox(count: int, steps: int, adversarial: bool = True) -> Work:
    """Run foolbox's LinfPGD on the plain network."""
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfPGD

    net = plain_network(adversarial=adversarial)
    model = PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = LinfPGD(abs_stepsize=STEP, steps=steps)

    def of(x: Tensor, labels: Tensor) -> Tensor:
        found: Tensor = attack(model, x, labels, epsilons=EPS)[1]
        return found

    return _peer(net, count, of)


def torchattacks(count: int, steps: int, adversarial: bool = True) -> Work:
    """Run torchattacks' PGD on the plain network."""
    from torchattacks import PGD

    net = plain_network(adversarial=adversarial)
    return _peer(net, count, PGD(net, eps=EPS, alpha=STEP, steps=steps))


def art(count: int, steps: int, adversarial: bool = True) -> Work:
    """Run the Adversarial Robustness Toolbox's PGD on the plain network."""
    from art.attacks.evasion import ProjectedGradientDescent
    from art.estimators.classification import PyTorchClassifier

    net = plain_network(adversarial=adversarial)
    model = PyTorchClassifier(
        net, nn.CrossEntropyLoss(), (3, 32, 32), 10, clip_values=(0, 1), device_type="cpu"
    )
    attack = ProjectedGradientDescent(
        model,
        eps=EPS,
        eps_step=STEP,
        max_iter=steps,
        num_random_init=1,
        batch_size=BATCH,
        verbose=False,
    )

    def of(x: Tensor, labels: Tensor) -> Tensor:
        return torch.from_numpy(attack.generate(x.numpy(), labels.numpy()))

    return _peer(net, count, of)


def plain_network(*, adversarial: bool = True) -> nn.Module:
    """Make the same ResNet-20 as a script would, normalisation in front."""
    sys.path.append(str(NETS.parent))
    from cifar_resnet import resnet20 as architecture
    from torchvision.transforms import Normalize

    net = architecture()
    name = "cifar10_resnet20_at.pt" if adversarial else "cifar10_resnet20.th"
    kept = torch.load(SHARED / "models" / name, map_location="cpu", weights_only=True)
    weights = kept.get("state_dict", kept)
    net.load_state_dict({key.removeprefix("module."): value for key, value in weights.items()})
    normalise = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return nn.Sequential(normalise, net).eval()


def _peer(net: nn.Module, count: int, attack: Callable[[Tensor, Tensor], Tensor]) -> Work:
    batch = images(count)
    pieces = list(
        zip(torch.split(batch.plain, BATCH), torch.split(batch.labels, BATCH), strict=True)
    )
    return Work(
        lambda: torch.cat([attack(x, labels) for x, labels in pieces]),
        warm=lambda: attack(*pieces[0]),
        answer=lambda found: _judged(net, found, batch.labels),
    )


def _function(definition: object) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(definition, "function")  # noqa: B009
    return function


@torch.no_grad()
def _judged(net: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor) -> dict[str, float]:
    logits = torch.cat([net(piece) for piece in torch.split(x, BATCH)])
    loss = functional.cross_entropy(logits, labels)
    return {"right": int((logits.argmax(1) == labels).sum()), "loss": float(loss)}
