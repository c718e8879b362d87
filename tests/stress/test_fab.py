"""FAB against its definition written down slowly, and against closed-form distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, Floats, attacked, curved, goal_of, least, linear
from fab_slowly import iterates
from torch import Tensor

from roadworthy.registry import Definition
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.fab import fab
from roadworthy.stress.attacks.fab_targeted import fab_targeted
from roadworthy.stress.norm_names import Norm

NORMS: list[Norm] = ["Linf", "L2", "L1"]
BOTH = [fab, fab_targeted]


def images(count: int, seed: int = 0, spread: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)
    return (x - 0.5) * spread + 0.5


def _slowly(
    norm: Norm, model: Bare, x: Tensor, label: int, others: list[int], steps: int
) -> Tensor:
    def logits(z: Floats) -> Tensor:
        with torch.no_grad():
            return model.function(torch.from_numpy(z).view(1, *SHAPE))[0]

    def boundaries(z: Floats) -> list[tuple[float, Floats]]:
        found = []
        for k in others:
            point = torch.from_numpy(z).view(1, *SHAPE).requires_grad_()
            out = model.function(point)[0]
            (gradient,) = torch.autograd.grad(out[k] - out[label], point)
            found.append((float((out[k] - out[label]).detach()), gradient.numpy().ravel()))
        return found

    def adversarial(z: Floats) -> bool:
        return int(logits(z).argmax()) != label

    points = iterates(norm, x.numpy().ravel(), boundaries, adversarial, steps=steps)
    return torch.from_numpy(np.stack(points)).view(-1, *SHAPE)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_every_point_is_the_one_of_the_definition(attack: Definition, norm: Norm) -> None:
    model, x = curved(), images(1)
    x[0, 0] = x[0, 0].round()  # some elements stand on the faces of the box
    goal = goal_of(model, x)
    ranks = [int(goal.ranked(rank)) for rank in range(1, 5)]
    label = int(goal.labels)
    # one way for each target, or one way that may change its mind at every step
    ways = [[k] for k in ranks[:2]] if attack is fab_targeted else [ranks]
    given = {"targets": 2} if attack is fab_targeted else {}
    found = attacked(attack, model, x, goal, norm, steps=15, **given)
    asked = torch.stack(model.asked, dim=1)
    points = asked.flatten(0, 1)
    far = GEOMETRIES[norm].size(points - x)[model.function(points).argmax(1) != label]
    torch.testing.assert_close(GEOMETRIES[norm].size(found.x - x)[0], far.min())
    for way, others in enumerate(ways):
        slowly = _slowly(norm, model, x[0], label, others, steps=15)
        torch.testing.assert_close(asked[way], slowly, rtol=1e-9, atol=1e-9)
    changed = [bool(model.function(z[None])[0].argmax() != label) for z in asked[0]]
    assert any(changed)
    assert not all(changed[2:])  # going back, too, is part of what is compared


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_on_a_linear_model_the_distance_is_the_closed_form_one(
    attack: Definition, norm: Norm
) -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn((4, *SHAPE), generator=generator, dtype=torch.float64)
    model, x = linear(weight, torch.zeros(4, dtype=torch.float64)), images(4, spread=0.1)
    goal = goal_of(model, x)
    logits, geometry = model.function(x), GEOMETRIES[norm]
    lead = logits - logits.gather(1, goal.labels[:, None])
    slope = torch.stack([geometry.dual(weight - weight[y]) for y in goal.labels.tolist()])
    # leaving the label's own class costs nothing
    expected = (lead.abs() / slope).scatter(1, goal.labels[:, None], float("inf")).amin(1)
    found = attacked(attack, model, x, goal, norm, steps=30)
    size = geometry.size(found.x - x)
    assert (size >= expected * (1 - 1e-9)).all()
    assert (size <= expected * 1.01).all()
    assert goal.reached(model.function(found.x)).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_where_the_box_is_in_the_way_it_finds_the_way_along_it(
    attack: Definition, norm: Norm
) -> None:
    generator = torch.Generator().manual_seed(3)
    # FAB picks the nearest boundary without a thought of the box: it gets no choice here
    classes = 2 if attack is fab else 3
    weight = torch.randn((classes, *SHAPE), generator=generator, dtype=torch.float64)
    x = images(4, seed=5)
    x = torch.where(x < 0.4, 0.0, torch.where(x > 0.6, 1.0, x))
    clean = (x[:, None] * weight).sum((2, 3, 4))
    model = linear(weight, torch.eye(classes, dtype=torch.float64)[0] * 4 - clean.mean(0))
    goal = goal_of(model, x)
    found = attacked(attack, model, x, goal, norm, steps=40)
    size, logits = GEOMETRIES[norm].size(found.x - x), model.function(x)
    free = 0
    for i, y in enumerate(goal.labels.tolist()):
        expected = np.inf
        for k in set(range(classes)) - {y}:
            normal, gap = weight[k] - weight[y], float(logits[i, y] - logits[i, k])
            smallest = least(norm, x[i].numpy().ravel(), normal.numpy().ravel(), gap)
            expected = min(expected, smallest)
            free += abs(smallest - gap / float(GEOMETRIES[norm].dual(normal[None]))) < 1e-9
        assert expected * (1 - 1e-9) <= size[i] <= expected * 1.01
    assert free < 4  # in most cases the closed form of no box would be wrong
