"""Smallest changes on real networks, beside those that another package finds with as many steps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

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
from roadworthy.stress.attacks.carlini_wagner import carlini_wagner
from roadworthy.stress.attacks.ddn import ddn
from roadworthy.stress.attacks.fmn import fmn
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm
from roadworthy.types import Classifier

pytestmark = [pytest.mark.peers, pytest.mark.shared, pytest.mark.slow]

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
WEIGHTS = {"standard": "cifar10_resnet20.th", "robust": "cifar10_resnet20_at.pt"}
COUNT = 64
SEARCH = {"steps": 100, "search_steps": 5, "initial_c": 0.1}

CASES: list[tuple[StressDefinition, Norm, dict[str, Any], str, dict[str, Any]]] = [
    (ddn, "L2", {"steps": 100}, "DDNAttack", {"steps": 100}),
    (fmn, "L2", {"steps": 100}, "L2FMNAttack", {"steps": 100}),
    (fmn, "Linf", {"steps": 100}, "LInfFMNAttack", {"steps": 100}),
    (
        carlini_wagner,
        "L2",
        SEARCH,
        "L2CarliniWagnerAttack",
        {"steps": 100, "binary_search_steps": 5, "initial_const": 0.1, "stepsize": 0.01},
    ),
]


def _images(shared: Path, model: Classifier) -> tuple[Tensor, Tensor]:
    """Return those of the first images that the model gets right, and their labels."""
    data = open_data(f"parquet:{shared}/data/cifar10_test.parquet")
    samples = data.samples[:COUNT]
    frames = [frame_of(data.read(s), Pipeline(size=None), name=s.id) for s in samples]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255.0
    labels = torch.tensor([int(str(s.label)) for s in samples])
    with torch.no_grad():
        right = model.logits(x).argmax(1) == labels
    return x[right], labels[right]


def _plain(weights: Path) -> nn.Module:
    sys.path.append(str(NETS.parent))
    from cifar_resnet import resnet20
    from torchvision.transforms import Normalize

    net = resnet20()
    state = torch.load(weights, weights_only=True, map_location="cpu")
    state = {k.removeprefix("module."): v for k, v in state.get("state_dict", state).items()}
    net.load_state_dict(state)
    return nn.Sequential(Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), net).eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=[f"{c[0].name}-{c[1]}" for c in CASES])
@pytest.mark.parametrize("net", list(WEIGHTS))
def test_changes_are_no_larger_than_those_of_a_peer_with_as_many_steps(
    shared: Path, net: str, case: tuple[StressDefinition, Norm, dict[str, Any], str, dict[str, Any]]
) -> None:
    foolbox = pytest.importorskip("foolbox")
    attack, norm, given, peer, theirs_given = case
    weights = shared / "models" / WEIGHTS[net]
    spec = f"torch:{NETS}:resnet20(checkpoint={weights}, mean=imagenet, std=imagenet, size=32)"
    model = load(spec)
    x, labels = _images(shared, model)
    if attack.takes_draws:
        given = {
            **given,
            "rng": BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(len(x))]),
        }
    fast = x.contiguous(memory_format=torch.channels_last)
    found = attack.function(Counted(model), fast, Goal(labels), GEOMETRIES[norm], **given).x
    around = foolbox.PyTorchModel(_plain(weights), bounds=(0, 1), device="cpu")
    other = getattr(foolbox.attacks, peer)(**theirs_given)(around, x, labels, epsilons=None)[0]

    def distances(z: Tensor) -> Tensor:
        with torch.no_grad():
            reached = model.logits(z).argmax(1) != labels
        return torch.where(reached, GEOMETRIES[norm].size(z - x), float("inf"))

    ours, theirs = distances(found), distances(other)
    worse = (ours > 1.05 * theirs).double().mean()
    print(
        f"{attack.name} {norm} {net}, {len(x)} images: median {ours.median():.4f}, "
        f"theirs {theirs.median():.4f}; more than 5 % above on {worse:.1%}"
    )
    assert norm in get_args(next(p.type for p in attack.parameters if p.name == "norm"))
    assert ours.isfinite().all()
    assert ours.median() <= 1.02 * theirs.median()
    assert worse <= 0.05
