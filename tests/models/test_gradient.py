from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_networks import Means, Plain, seeded
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import RoadworthyError
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.gradient import Counted, value_and_gradient
from roadworthy.types import Need


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="none")


def model() -> TorchClassifier:
    return build(Network(name="t", module=seeded(Plain()), mean=(0.5, 0.5, 0.5)))


def batch(n: int = 4) -> tuple[Tensor, Tensor]:
    x = torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    return x, torch.arange(n) % 7


def test_value_and_gradient_are_those_of_each_image_alone() -> None:
    net, (x, y) = model(), batch()
    logits, loss, gradient = value_and_gradient(net, cross_entropy, x, y)
    torch.testing.assert_close(logits, net.logits(x))
    torch.testing.assert_close(loss, cross_entropy(net.logits(x), y))
    for i in range(len(x)):
        _, one, alone = value_and_gradient(net, cross_entropy, x[i : i + 1], y[i : i + 1])
        torch.testing.assert_close(loss[i], one[0])
        torch.testing.assert_close(gradient[i], alone[0], rtol=1e-3, atol=1e-5)


def test_a_known_gradient() -> None:
    net = build(Network(name="t", module=Means(), std=(0.5, 0.5, 0.5)))
    x = torch.rand(2, 3, 4, 5)
    _, _, gradient = value_and_gradient(net, lambda z, _: z[:, 1], x, None)
    expected = torch.tensor([3.0, 4.0, 5.0]).view(1, 3, 1, 1) / 20 / 0.5
    torch.testing.assert_close(gradient, expected.expand(2, 3, 4, 5))


def test_nothing_keeps_a_graph_and_the_input_is_left_alone() -> None:
    net, (x, y) = model(), batch()
    kept = x.clone()
    with torch.no_grad():
        found = value_and_gradient(net, cross_entropy, x, y)
    assert not any(t.requires_grad for t in found)
    assert not x.requires_grad
    assert torch.equal(x, kept)
    assert all(p.grad is None for p in net.module.parameters())


def test_a_model_without_gradients_is_refused() -> None:
    blind = replace(model(), gives=frozenset({Need.LABELS}))
    with pytest.raises(RoadworthyError, match="gives no gradient; use a black-box attack"):
        value_and_gradient(blind, cross_entropy, *batch())


def test_losses_of_another_shape_and_cut_graphs_are_explained() -> None:
    x, y = batch()
    with pytest.raises(RoadworthyError, match=r"shape \(\), expected one value per image: \(4,\)"):
        value_and_gradient(model(), lambda z, _: z.sum(), x, y)
    with pytest.raises(RoadworthyError, match="does not depend on the input differentiably"):
        value_and_gradient(model(), lambda z, _: z.detach()[:, 0], x, y)


def test_integers_are_refused_and_strides_do_not_matter() -> None:
    net, (x, y) = model(), batch()
    with pytest.raises(RoadworthyError, match=r"values in \[0, 1\], not at torch\.uint8; divide"):
        value_and_gradient(net, cross_entropy, (x * 255).to(torch.uint8), y)
    expected = value_and_gradient(net, cross_entropy, x, y)
    wide = torch.zeros(4, 16, 3, 32)
    wide[..., ::2] = x.transpose(1, 2)
    strided = wide[..., ::2].transpose(1, 2)
    assert not strided.is_contiguous()
    for found, one in zip(
        value_and_gradient(net, cross_entropy, strided, y), expected, strict=True
    ):
        torch.testing.assert_close(found, one)
    same = value_and_gradient(net, cross_entropy, x[:1].expand(4, -1, -1, -1), y[:1].expand(4))
    torch.testing.assert_close(same[2][3], expected[2][0])


def test_a_nan_image_spoils_no_other() -> None:
    net, (x, y) = model(), batch()
    spoilt = x.clone()
    spoilt[1, 0, 0, 0] = float("nan")
    _, value, gradient = value_and_gradient(net, cross_entropy, spoilt, y)
    _, expected, other = value_and_gradient(net, cross_entropy, x, y)
    rest = torch.tensor([0, 2, 3])
    assert value[1].isnan()
    assert gradient[1].isnan().any()
    torch.testing.assert_close(value[rest], expected[rest])
    torch.testing.assert_close(gradient[rest], other[rest])


def test_forwards_and_backwards_are_counted_per_image() -> None:
    counted, (x, y) = Counted(model()), batch()
    counted.logits(x)
    value_and_gradient(counted, cross_entropy, x, y)
    assert counted.forwards.tolist() == [2] * 4
    assert counted.backwards.tolist() == [1] * 4
    assert counted.queries.tolist() == [3] * 4


@pytest.mark.parametrize("kind", ["mask", "positions", "tensor mask"])
def test_images_that_go_on_are_counted_alone(kind: str) -> None:
    counted, (x, y) = Counted(model()), batch()
    counted.logits(x)
    standing = torch.tensor([True, False, True, True])
    rows = {"mask": standing.numpy(), "positions": np.array([0, 2, 3]), "tensor mask": standing}
    going = counted.at(rows[kind])
    value_and_gradient(going, cross_entropy, x[standing], y[standing])
    last = going.at(np.array([2]))
    last.logits(x[3:])
    assert counted.forwards.tolist() == [2, 1, 2, 3]
    assert counted.backwards.tolist() == [1, 0, 1, 1]
    assert going.forwards is counted.forwards


def test_repeats_count_for_each_image() -> None:
    counted, (x, y) = Counted(model()), batch()
    counted.logits(x)
    value_and_gradient(counted, cross_entropy, x.repeat(3, 1, 1, 1), y.repeat(3))
    assert counted.forwards.tolist() == [4] * 4
    assert counted.backwards.tolist() == [3] * 4


def test_two_gradients_of_one_forward_count_twice() -> None:
    counted, (x, _) = Counted(model()), batch()
    z = x.clone().requires_grad_()
    logits = counted.logits(z)
    for index in (0, 1):
        torch.autograd.grad(logits[:, index].sum(), z, retain_graph=True)
    assert counted.forwards.tolist() == [1] * 4
    assert counted.backwards.tolist() == [2] * 4


def test_before_any_call_nothing_is_counted_for_any_number_of_images() -> None:
    counted = Counted(model())
    assert (np.ones(5, np.int32) * counted.queries).tolist() == [0] * 5
    assert counted.at(np.array([False, True])).rows is not None
    assert counted.forwards.tolist() == [0, 0]


def test_dropping_images_unsaid_is_an_error() -> None:
    counted, (x, _) = Counted(model()), batch()
    counted.logits(x)
    with pytest.raises(RoadworthyError, match=r"about 3 images while it works on 4; .*model\.at"):
        counted.logits(x[:3])


def test_it_stands_for_its_model() -> None:
    net = model()
    counted = Counted(net)
    assert (counted.id, counted.pipeline, counted.classes, counted.gives) == (
        net.id,
        net.pipeline,
        net.classes,
        net.gives,
    )
