"""FAB-T and DeepFool beside their peers on an adversarially trained network."""

from __future__ import annotations

import importlib.util
import io
import warnings
from pathlib import Path

import cifar_resnet
import numpy as np
import polars as pl
import pytest
import torch
from boundary_world import draws
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import Normalize

from roadworthy.models.counted import Counted
from roadworthy.models.keys import load_weights
from roadworthy.models.wrap import wrap
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.deepfool import deepfool
from roadworthy.stress.attacks.fab_targeted import fab_targeted
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm

pytestmark = [pytest.mark.shared, pytest.mark.peers]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _network(shared: Path) -> nn.Module:
    module = cifar_resnet.resnet20()
    load_weights(module, shared / "models" / "cifar10_resnet20_at.pt")
    return module.eval()


def _plain(shared: Path) -> nn.Module:
    """Return the network as a script would build it."""
    return nn.Sequential(Normalize(MEAN, DEVIATION), _network(shared)).eval()


def _right(shared: Path, count: int) -> tuple[Counted, Tensor, Goal]:
    """Return the first images that the network gets right, with their labels and logits."""
    model = wrap(_network(shared), mean="imagenet", std="imagenet", size=32)
    table = pl.read_parquet(shared / "data" / "cifar10_test.parquet").head(2 * count + 4)
    frames = [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["image"]]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    labels = torch.tensor(table["label"].to_list())
    with torch.no_grad():
        clean = model.logits(x)
    rows = (clean.argmax(1) == labels).nonzero().squeeze(1)[:count]
    return Counted(model), x[rows], Goal(labels[rows], None, clean[rows])


@pytest.mark.skipif(importlib.util.find_spec("foolbox") is None, reason="foolbox is not installed")
def test_deepfool_goes_no_further_than_foolbox(shared: Path) -> None:
    model, x, goal = _right(shared, 16)
    found = deepfool.function(model, x, goal, GEOMETRIES["L2"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from foolbox import PyTorchModel
        from foolbox.attacks import L2DeepFoolAttack

        peer = PyTorchModel(_plain(shared), bounds=(0, 1), device="cpu")
        _, theirs, reached = L2DeepFoolAttack()(peer, x, goal.labels, epsilons=None)
    with torch.no_grad():
        assert goal.reached(model.logits(found.x)).all()
    assert reached.all()
    ours, other = ((z - x).flatten(1).norm(dim=1).median() for z in (found.x, theirs))
    assert ours <= 1.02 * other


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyautoattack") is None, reason="it is not installed")
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 8 / 255), ("L2", 0.5)])
def test_fab_t_leaves_as_many_standing_as_pyautoattack(
    shared: Path, norm: Norm, eps: float
) -> None:
    count = 16
    model, x, goal = _right(shared, count)
    found = fab_targeted.function(model, x, goal, GEOMETRIES[norm], within=eps, rng=draws(count))
    near = GEOMETRIES[norm].size(found.x - x) <= eps
    with torch.no_grad():
        ours = near & goal.reached(model.logits(found.x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyautoattack import AutoAttack

        net = _plain(shared)
        peer = AutoAttack(net, norm=norm, eps=eps, version="custom", attacks=["fab-t"])
        peer.fab.n_restarts = 1  # as its own standard version sets it
        adversarial = peer.run_standard_evaluation(x, goal.labels, batch_size=count)
        adversarial = adversarial[0] if isinstance(adversarial, tuple) else adversarial
    with torch.no_grad():
        theirs = goal.reached(net(adversarial))
    assert torch.equal(ours, near)
    assert 2 <= int(ours.sum()) <= count - 2
    assert (ours != theirs).sum() <= 1
