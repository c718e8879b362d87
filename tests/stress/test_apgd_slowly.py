from __future__ import annotations

import numpy as np
import pytest
import torch
from apgd_slowly import Climbed, inside, slow_apgd, slow_large, slow_sparse
from attack_world import attacked, pictures
from boundary_world import Bare, curved
from torch import Tensor

from roadworthy.seed import rng_for
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, Loss
from roadworthy.stress.norm_names import Norm

EPS: dict[Norm, float] = {"Linf": 0.01, "L2": 0.05, "L1": 0.3}


def _climbed(model: Bare, loss: Loss, goal: Goal) -> Climbed:
    def climbed(z: Tensor) -> tuple[float, Tensor]:
        point = z[None].clone().requires_grad_()
        value = loss(model.function(point), goal)
        (gradient,) = torch.autograd.grad(value.sum(), point)
        return float(value.detach()), gradient[0]

    return climbed


def _start(x: Tensor, norm: Norm, eps: float, rng: np.random.Generator) -> Tensor:
    """Return a start as it is described, from the numbers that the attack draws."""
    draws, shape = FastDraws(rng), tuple(x.shape)
    noise = draws.signed(shape) if norm == "Linf" else draws.normal_field(shape)
    t = torch.from_numpy(noise).to(x)
    size = t.abs().max() if norm == "Linf" else t.square().sum().sqrt()
    scale = torch.ones(()) if norm == "L1" else eps / size
    return inside(x, x + scale * t, norm, eps)


def _same(ours: list[Tensor], slow: list[Tensor], row: int) -> None:
    assert len(ours) == len(slow)
    for step, (fast, expected) in enumerate(zip(ours, slow, strict=True)):
        assert float((fast[row] - expected).abs().max()) < 1e-9, f"step {step}"


@pytest.mark.parametrize("loss", ["cross_entropy", "dlr"])
@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("large", ["true", "false"])
def test_iterates_are_those_of_the_description(norm: Norm, loss: str, large: str) -> None:
    x, model = pictures(2), curved()
    labels = model.function(x).argmax(1)
    spec = f"apgd(eps={EPS[norm]}, norm={norm}, steps=25, loss={loss}, large_eps={large})"
    tried = attacked(spec, model, x, labels)
    asked = model.asked[1:]  # the first was for the clean logits
    key = tried.stress.settings[0].key
    for row in range(2):
        climbed = _climbed(model, LOSSES[loss], Goal(labels[row : row + 1]))
        outer = EPS[norm] * (3 if large == "true" else 1)
        start = _start(x[row], norm, outer, rng_for(0, "apgd", 1, str(row), key))
        if large == "true":
            slow = slow_large(climbed, x[row], start, norm, EPS[norm], 25)
        elif norm == "L1":
            slow = slow_sparse(climbed, x[row], start, EPS[norm], 25, fresh=True)
        else:
            slow = slow_apgd(climbed, x[row], start, norm, EPS[norm], 25)
        _same(asked, slow.seen, row)


def test_targets_follow_each_other_as_described() -> None:
    x, model = pictures(12, seed=1)[3:9], curved()
    clean = model.function(x)
    labels, eps, steps = clean.argmax(1), 0.03, 10
    spec = f"apgd_targeted(eps={eps}, steps={steps}, targets=3, stop=success)"
    tried = attacked(spec, model, x, labels)
    key = tried.stress.settings[0].key
    used, success = tried.found.steps_used, tried.found.step_success
    assert used is not None
    assert success is not None
    expected = []
    for row in range(6):
        rng, label = rng_for(0, "apgd_targeted", 1, str(row), key), int(labels[row])
        order = [k for k in clean[row].argsort(descending=True).tolist() if k != label][:3]
        spent, broken, x_found = 0, -1, x[row]
        for target in order:
            goal = Goal(labels[row : row + 1], torch.tensor([target]))
            start = _start(x[row], "Linf", eps, rng)
            seen = slow_apgd(
                _climbed(model, LOSSES["dlr"], goal), x[row], start, "Linf", eps, steps
            ).seen
            wrong = [i for i, z in enumerate(seen) if model.function(z[None]).argmax() != label]
            if wrong:
                broken, x_found = spent + wrong[0], seen[wrong[0]]
                break
            spent += steps
        expected.append(broken)
        assert int(success[row]) == broken
        assert int(used[row]) == (spent if broken < 0 else broken)
        if broken >= 0:
            torch.testing.assert_close(tried.x[row], x_found, rtol=0, atol=1e-9)
    assert -1 in expected
    assert any(0 <= e < steps for e in expected)
    assert any(e >= steps for e in expected)
