"""CLEVER on real networks: below what attacks find, and beside another package's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roadworthy.data.registry import open_data
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.base import run as frame_of
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.ddn import ddn
from roadworthy.stress.attacks.fmn import fmn
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured
from roadworthy.stress.probes.clever import clever
from roadworthy.types import Classifier

pytestmark = [pytest.mark.shared, pytest.mark.slow]

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
PLAIN, TRAINED = "cifar10_resnet20.th", "cifar10_resnet20_at.pt"
COUNT = 64


def network(shared: Path, file: str = PLAIN) -> Classifier:
    weights = shared / "models" / file
    return load(
        f"torch:{NETS}:resnet20(checkpoint={weights}, mean=imagenet, std=imagenet, size=32)"
    )


def images(shared: Path, model: Classifier, count: int) -> tuple[Tensor, Goal]:
    """Return those of the first images that the model gets right, and the goal of leaving them."""
    data = open_data(f"parquet:{shared}/data/cifar10_test.parquet")
    samples = data.samples[:count]
    frames = [frame_of(data.read(s), Pipeline(size=None), name=s.id) for s in samples]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255.0
    labels = torch.tensor([int(str(s.label)) for s in samples])
    with torch.no_grad():
        logits = model.logits(x)
    right = logits.argmax(1) == labels
    return x[right], Goal(labels[right], None, logits[right])


def draws(count: int) -> BatchDraws:
    return BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(count)])


def scores(model: Classifier, x: Tensor, goal: Goal, norm: str = "L2", **given: Any) -> Measured:
    found: Measured = clever.function(
        Counted(model), x, goal, GEOMETRIES[norm], rng=draws(len(x)), **given
    )
    return found


def nearest(
    attack: StressDefinition, model: Classifier, x: Tensor, goal: Goal, **given: Any
) -> Tensor:
    """Return how far away an attack found another class, infinity where it found none."""
    more = {"rng": draws(len(x))} if attack.takes_draws else {}
    found = attack.function(Counted(model), x, goal, GEOMETRIES["L2"], **given, **more).x
    with torch.no_grad():
        reached = goal.reached(model.logits(found))
    return torch.where(reached, (found - x).flatten(1).norm(dim=1), torch.inf)


@pytest.mark.parametrize(("net", "radius"), [(PLAIN, 5.0), (PLAIN, 15.0), (TRAINED, 15.0)])
def test_scores_are_below_the_best_distance_that_attacks_find(
    shared: Path, net: str, radius: float
) -> None:
    model = network(shared, net)
    x, goal = images(shared, model, COUNT)
    assert len(x) >= 40
    goal = goal.towards(goal.ranked(1))
    # Within the paper's radius of 5 random points meet too little of what makes the trained network
    # steep on the way to another class: a third of its scores is above what attacks find.
    found = scores(model, x, goal, batches=20, draws=64, radius=radius).columns
    best = nearest(ddn, model, x, goal, steps=60).minimum(nearest(fmn, model, x, goal, steps=60))
    score = torch.tensor(found["clever"])
    print(f"{net}, radius {radius}: below: {(score <= best).float().mean():.3f} of {len(x)}")
    print(f"median score {score.median():.4f}, distance {best.median():.4f}")
    print(f"rules: {sorted(found['clever_rule'])}")
    assert (score <= best).float().mean() >= 0.9
    # and says more than the radius or nothing: no score is cut, and the order is much the same
    assert score.max() < radius
    assert (score / best).median() > 0.3
    rank = torch.stack([score.argsort().argsort(), best.argsort().argsort()]).double()
    assert torch.corrcoef(rank)[0, 1] > 0.7


@pytest.mark.peers
@pytest.mark.parametrize(("norm", "order", "radius"), [("L2", 2, 5.0), ("Linf", np.inf, 0.1)])
def test_another_package_says_much_the_same(
    shared: Path, norm: str, order: float, radius: float
) -> None:
    classification = pytest.importorskip("art.estimators.classification")
    metrics = pytest.importorskip("art.metrics")
    model = network(shared)
    x, goal = images(shared, model, 8)
    x, goal = x[:4], goal.at(torch.arange(4))
    target = goal.ranked(1)
    plan = {"batches": 20, "draws": 64, "radius": radius}
    ours = scores(model, x, goal.towards(target), norm, **plan).columns["clever"]
    peer = classification.PyTorchClassifier(
        _plain(shared),
        nn.CrossEntropyLoss(),
        (3, 32, 32),
        10,
        clip_values=(0, 1),
        device_type="cpu",
    )
    np.random.seed(0)
    theirs = [
        metrics.clever_t(peer, image.numpy(), int(aim), 20, 64, radius, norm=order, pool_factor=10)
        for image, aim in zip(x, target, strict=True)
    ]
    print(norm, [round(s, 4) for s in ours], [round(float(s), 4) for s in theirs])
    for one, other in zip(ours, theirs, strict=True):
        assert one / 5 <= other <= one * 5


def _plain(shared: Path) -> nn.Module:
    sys.path.append(str(NETS.parent))
    from cifar_resnet import resnet20
    from torchvision.transforms import Normalize

    net = resnet20()
    kept = torch.load(
        shared / "models" / "cifar10_resnet20.th", map_location="cpu", weights_only=True
    )
    net.load_state_dict({k.removeprefix("module."): v for k, v in kept["state_dict"].items()})
    return nn.Sequential(Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), net).eval()
