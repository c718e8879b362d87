"""FGSM, BIM and PGD break what they break in foolbox, and more than noise does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from attack_world import attacked
from torch import Tensor

from roadworthy.stress import STRESSES
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.norm_names import Norm
from roadworthy.types import Classifier, Tap

pytestmark = pytest.mark.shared

COUNT = 200


@pytest.fixture(scope="module")
def world(shared: Path) -> tuple[Classifier, Tensor, Tensor]:
    """Return the adversarially trained ResNet-20, the first test images and their labels."""
    from bench.attack_side import images
    from bench.pictures import resnet20

    from roadworthy.models.load import load

    batch = images(COUNT)
    return load(resnet20(adversarial=True)), batch.x, batch.labels


def _wrong(model: Any, x: Tensor, labels: Tensor) -> int:
    with torch.no_grad():
        return int((model(x).argmax(1) != labels).sum())


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "peer", "options"),
    [
        ("fgsm(eps=8/255)", "LinfFastGradientAttack", {}),
        (
            "bim(eps=8/255, steps=10, step=1/255)",
            "LinfBasicIterativeAttack",
            {"steps": 10, "abs_stepsize": 1 / 255},
        ),
        ("pgd(eps=8/255, steps=10, step=2/255)", "LinfPGD", {"steps": 10, "abs_stepsize": 2 / 255}),
        (
            "bim(eps=0.5, norm=L2, steps=10, step=0.1)",
            "L2BasicIterativeAttack",
            {"steps": 10, "abs_stepsize": 0.1},
        ),
    ],
    ids=["fgsm", "bim", "pgd", "bim-L2"],
)
def test_success_is_that_of_foolbox_within_a_point(
    world: tuple[Classifier, Tensor, Tensor], ours: str, peer: str, options: dict[str, Any]
) -> None:
    foolbox = pytest.importorskip("foolbox")
    from bench.attack_side import plain_network

    model, x, labels = world
    net = plain_network()
    attack = getattr(foolbox.attacks, peer)(**options)
    wrapped = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    eps = 0.5 if "L2" in ours else 8 / 255
    pieces = zip(x.contiguous().split(50), labels.split(50), strict=True)  # type: ignore[no-untyped-call]
    theirs = torch.cat([attack(wrapped, piece, y, epsilons=eps)[1] for piece, y in pieces])
    found = attacked(ours, model, x, labels)
    broken = (_wrong(model.logits, found.x, labels), _wrong(net, theirs, labels))
    assert abs(broken[0] - broken[1]) <= COUNT // 100, (
        f"ours breaks {broken[0]}, {peer} {broken[1]}"
    )
    assert broken[0] > _wrong(net, x, labels) + COUNT // 10


BUDGETS: dict[Norm, str] = {"Linf": "8/255", "L2": "0.6", "L1": "12", "L0": "60"}
"""Budgets under which noise hardly does anything to this network, and attacks a lot."""

REAL = {
    "square": "square(queries=800)",
    "cascade": "cascade(pgd(steps=3))",
    "autoattack": "autoattack(version=rand)",
    "eps_search": "eps_search(pgd(eps=2/255, steps=5, relative_step=5), bisections=4)",
    "carlini_wagner": "carlini_wagner(steps=30, search_steps=4, initial_c=1)",
    "ead": "ead(steps=30, search_steps=4, initial_c=1)",
    "fab": "fab(steps=10)",
    "fab_targeted": "fab_targeted(steps=10)",
    "ddn": "ddn(steps=30)",
    "fmn": "fmn(steps=30)",
    "sigma_zero": "sigma_zero(steps=60)",
}
"""Examples long enough to find something on a real network; others are tested as they stand."""

IMAGES = 24


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(n for n in STRESSES if STRESSES.get(n).tap is Tap.INPUT))
def test_an_attack_breaks_three_times_what_noise_of_its_budget_breaks(
    world: tuple[Classifier, Tensor, Tensor], name: str
) -> None:
    model, x, labels = world
    with torch.no_grad():
        right = (model.logits(x).argmax(1) == labels).nonzero().squeeze(1)[:IMAGES]
    x, labels = x[right], labels[right]
    item, spec = STRESSES.get(name), REAL.get(name, name)
    (norm,) = [p.default for p in item.parameters if p.name == "norm"]
    if not item.minimal:
        budget = f"eps={BUDGETS[norm]}"
        spec = f"{spec[:-1]}, {budget})" if spec.endswith(")") else f"{spec}({budget})"
    found = attacked(spec, model, x, labels)
    numerator, _, denominator = BUDGETS[norm].partition("/")
    eps = torch.full((len(x),), float(numerator) / float(denominator or 1))
    inside = found.reached & (Ball(norm, eps).size(found.x - x) <= eps * (1 + 1e-5))
    noise = [_noise(model, x, labels, Ball(norm, eps), seed) for seed in range(3)]
    broken = int(inside.sum())
    assert broken >= max(3 * sum(noise) / len(noise), 3), f"{spec} breaks {broken}, noise {noise}"


def _noise(model: Classifier, x: Tensor, labels: Tensor, ball: Ball, seed: int) -> int:
    import numpy as np

    draws = BatchDraws([FastDraws(np.random.default_rng((seed, i))) for i in range(len(x))])
    return _wrong(model.logits, ball.random_start(x, draws), labels)
