"""Decision-based attacks on a real network, beside those of another package at equal queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench.attack_side import plain_network
from bench.pictures import resnet20
from torch import Tensor, nn

from roadworthy.data.registry import open_data
from roadworthy.models.counted import Counted
from roadworthy.models.load import load
from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.base import run as frame_of
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.boundary import boundary
from roadworthy.stress.attacks.hopskipjump import hopskipjump
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal

pytestmark = [pytest.mark.peers, pytest.mark.shared, pytest.mark.slow]

COUNT = 16
READ = 32
CASES: list[tuple[StressDefinition, str, dict[str, Any]]] = [
    (hopskipjump, "HopSkipJumpAttack", {"steps": 8}),
    (boundary, "BoundaryAttack", {"steps": 1000}),
]


class Asked(nn.Module):
    """The network of a script, counting the images that it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.count = plain_network(adversarial=False), 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += len(x)
        logits: Tensor = self.network(x)
        return logits


@pytest.mark.parametrize(("attack", "theirs", "given"), CASES, ids=["hopskipjump", "boundary"])
def test_changes_are_as_small_as_those_of_foolbox_at_equal_queries(
    shared: Path, attack: StressDefinition, theirs: str, given: dict[str, Any]
) -> None:
    foolbox = pytest.importorskip("foolbox")
    model = load(resnet20(adversarial=False))
    data = open_data(f"parquet:{shared}/data/cifar10_test.parquet")
    samples = data.samples[:READ]
    frames = [frame_of(data.read(s), Pipeline(size=None), name=s.id) for s in samples]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float().contiguous() / 255.0
    labels = torch.tensor([int(str(s.label)) for s in samples])
    with torch.no_grad():
        clean = model.logits(x)
    right = (clean.argmax(1) == labels).nonzero().squeeze(1)[:COUNT]
    x, labels, clean = x[right], labels[right], clean[right]
    assert len(x) == COUNT

    torch.manual_seed(0)
    np.random.seed(0)
    peer, counted = Asked().eval(), Counted(model)
    attacked = foolbox.PyTorchModel(peer, bounds=(0, 1), device="cpu")
    found = getattr(foolbox.attacks, theirs)(**given)(attacked, x, labels, epsilons=None)[0]
    queries = peer.count // len(x)

    rng = BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(len(x))])
    goal, norm = Goal(labels, clean=clean), GEOMETRIES["L2"]
    ours = attack.function(counted, x, goal, norm, queries=queries, rng=rng)
    with torch.no_grad():
        assert goal.reached(model.logits(ours.x)).all()
        failed = ~goal.reached(model.logits(found))
    assert (counted.queries <= queries).all()
    mine = norm.size(ours.x - x).median()
    other = norm.size(found - x).masked_fill(failed, float("inf")).median()
    print(f"{attack.name}: {queries} queries; medians {mine:.4f} here, {other:.4f} in foolbox")
    assert mine <= 1.1 * other
