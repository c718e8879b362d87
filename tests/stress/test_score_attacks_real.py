"""NES, SPSA and SimBA on a network for CIFAR-10: against noise, and beside another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from attack_world import attacked
from torch import Tensor

from roadworthy.data.registry import open_data
from roadworthy.engine.forward import to_input
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.load import load
from roadworthy.pipeline.base import Pipeline, run
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws, FastDraws

NETS = Path(__file__).parents[1] / "models" / "cifar_resnet.py"
pytestmark = pytest.mark.shared


def network(shared: Path) -> TorchClassifier:
    weights = shared / "models" / "cifar10_resnet20.th"
    spec = f"torch:{NETS}:resnet20(checkpoint={weights}, mean=imagenet, std=imagenet, size=32)"
    model = load(spec)
    assert isinstance(model, TorchClassifier)
    return model


def right(model: TorchClassifier, shared: Path, count: int) -> tuple[Tensor, Tensor]:
    """Return the first test images that the model gets right, and their labels."""
    data = open_data(f"parquet:{shared / 'data' / 'cifar10_test.parquet'}")
    samples = data.samples[: 2 * count]
    frames = [run(data.read(s), Pipeline(size=None), name=s.id) for s in samples]
    x, labels = to_input(np.stack(frames), "cpu"), torch.tensor([s.label for s in samples])
    with torch.no_grad():
        rows = (model.logits(x).argmax(1) == labels).nonzero().squeeze(1)[:count]
    assert len(rows) == count
    return x[rows], labels[rows]


@pytest.mark.parametrize(
    ("spec", "norm"),
    [
        pytest.param("nes(eps=8/255, queries=408, samples=50)", "Linf", marks=pytest.mark.slow),
        pytest.param("spsa(eps=8/255, queries=408, samples=50)", "Linf", marks=pytest.mark.slow),
        pytest.param(
            "n_attack(eps=8/255, queries=408, samples=50)", "Linf", marks=pytest.mark.slow
        ),
        ("simba(eps=1, norm=L2, queries=303)", "L2"),
    ],
)
def test_it_breaks_more_than_noise_of_the_same_budget(shared: Path, spec: str, norm: str) -> None:
    model = network(shared)
    x, labels = right(model, shared, 8)
    found = attacked(spec, model, x, labels)
    assert (found.counted.forwards <= 408).all()
    assert found.counted.forwards.tolist() == found.found.steps_used.tolist()  # type: ignore[union-attr]
    ball = Ball(norm, found.ball.eps)  # type: ignore[arg-type]
    rng = BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(8)])
    noise = torch.zeros(8, dtype=torch.bool)
    with torch.no_grad():
        for _ in range(300):
            noise |= found.goal.reached(model.logits(ball.random_start(x, rng)))
    assert int(found.reached.sum()) >= int(noise.sum()) + 3


@pytest.mark.peers
@pytest.mark.slow
def test_simba_needs_about_as_many_directions_as_in_another_library(shared: Path) -> None:
    pytest.importorskip("art")
    from art.attacks.evasion import SimBA
    from art.estimators.classification import PyTorchClassifier

    model = network(shared)
    x, labels = right(model, shared, 16)
    probabilities = torch.nn.Sequential(_Says(model), torch.nn.Softmax(1))
    theirs = PyTorchClassifier(
        probabilities, torch.nn.NLLLoss(), (3, 32, 32), 10, clip_values=(0, 1), device_type="cpu"
    )
    # Both signs of 150 directions, of which it keeps the better; we stop at the first that pays.
    other = SimBA(theirs, attack="px", max_iter=150, order="random", epsilon=0.2, batch_size=1)
    np.random.seed(0)
    plain = x.contiguous(memory_format=torch.contiguous_format)
    made = torch.from_numpy(other.generate(plain.numpy(), np.eye(10)[labels.numpy()]))
    with torch.no_grad():
        reached = model.logits(made).argmax(1) != labels
    ours = attacked("simba(eps=100, norm=L2, queries=300, step=0.2)", model, x, labels)
    length = (made - plain).flatten(1).norm(dim=1)
    both = reached & ours.reached
    assert abs(int(reached.sum()) - int(ours.reached.sum())) <= 3
    assert int(both.sum()) >= 8
    ratio = float(ours.size[both].median() / length[both].median())
    assert 0.75 < ratio < 1.35


class _Says(torch.nn.Module):
    def __init__(self, model: TorchClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model.logits(x)
