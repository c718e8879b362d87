"""Decision-based attacks on a real network, beside those of another package at equal queries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench.attack_side import plain_network
from bench.pictures import resnet20
from torch import Tensor, nn

from roadworthy.data.registry import open_data
from roadworthy.engine.forward import to_input
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as frame_of
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.boundary import boundary
from roadworthy.stress.attacks.hopskipjump import hopskipjump
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.types import Classifier

pytestmark = [pytest.mark.peers, pytest.mark.shared, pytest.mark.slow]

CASES: list[tuple[StressDefinition, str, dict[str, Any]]] = [
    (hopskipjump, "HopSkipJumpAttack", {"steps": 8}),
    (boundary, "BoundaryAttack", {"steps": 1000}),
]


class Asked(nn.Module):
    """What the other package is given: the network's answers, counting the images asked about."""

    def __init__(self, answers: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answers, self.count = answers, 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += len(x)
        return self.answers(x)


def _right(model: Classifier, data: str, *, read: int, count: int) -> tuple[Tensor, Goal]:
    """Return the first ``count`` of ``read`` images that the model gets right, and the goal."""
    opened = open_data(data)
    samples = opened.samples[:read]
    frames = [frame_of(opened.read(s), model.pipeline, name=s.id) for s in samples]
    x = to_input(np.stack(frames), "cpu").contiguous()
    labels = torch.tensor([int(str(s.label)) for s in samples])
    with torch.no_grad():
        clean = torch.cat([model.logits(part) for part in x.split(16)])
    right = (clean.argmax(1) == labels).nonzero().squeeze(1)[:count]
    assert len(right) == count
    return x[right], Goal(labels[right], clean=clean[right])


def _as_near(
    attack: StressDefinition,
    theirs: str,
    given: dict[str, Any],
    model: Classifier,
    answers: Callable[[Tensor], Tensor],
    x: Tensor,
    goal: Goal,
) -> None:
    """Compare the median distance with that of foolbox, which asks ``answers``, at equal queries."""
    foolbox = pytest.importorskip("foolbox")
    torch.manual_seed(0)
    np.random.seed(0)
    peer, counted = Asked(answers).eval(), Counted(model)
    attacked = foolbox.PyTorchModel(peer, bounds=(0, 1), device="cpu")
    found = getattr(foolbox.attacks, theirs)(**given)(attacked, x, goal.labels, epsilons=None)[0]
    queries = peer.count // len(x)

    rng, norm = BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(len(x))]), "L2"
    geometry = GEOMETRIES[norm]
    ours = attack.function(counted, x, goal, geometry, queries=queries, rng=rng)
    with torch.no_grad():
        assert goal.reached(model.logits(ours.x)).all()
        failed = ~goal.reached(model.logits(found))
    assert (counted.queries <= queries).all()
    mine = geometry.size(ours.x - x).median()
    other = geometry.size(found - x).masked_fill(failed, float("inf")).median()
    print(f"{attack.name}: {queries} queries; medians {mine:.4f} here, {other:.4f} in foolbox")
    assert mine <= 1.1 * other


@pytest.mark.parametrize(("attack", "theirs", "given"), CASES, ids=["hopskipjump", "boundary"])
def test_changes_are_as_small_as_those_of_foolbox_at_equal_queries(
    shared: Path, attack: StressDefinition, theirs: str, given: dict[str, Any]
) -> None:
    model = load(resnet20(adversarial=False))
    x, goal = _right(model, f"parquet:{shared}/data/cifar10_test.parquet", read=32, count=16)
    _as_near(attack, theirs, given, model, plain_network(adversarial=False), x, goal)


@pytest.mark.demo
def test_a_network_that_says_labels_alone_is_met_as_nearly_as_by_foolbox(shared: Path) -> None:
    model = load("labels_only(demo/efficientnet_lite0)")
    data = f"csv:{shared / 'data' / 'imagenet_sample' / 'labels.csv'}"
    x, goal = _right(model, data, read=40, count=20)
    jumps = hopskipjump, "HopSkipJumpAttack", {"steps": 6}
    _as_near(*jumps, model, model.logits, x, goal)
