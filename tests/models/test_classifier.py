from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_networks import CLASSES, Means, Plain, seeded
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier, normalised, outputs
from roadworthy.models.options import Options
from roadworthy.types import Classes, Need

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 0.2)


def classifier(module: nn.Module, *, size: int | None = None, **facts: Any) -> TorchClassifier:
    return build(Network(name="test/net", module=module, **facts), options=Options(size=size))


def batch(n: int = 4, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_logits_are_those_of_the_normalised_input() -> None:
    module = seeded(Plain()).eval()
    model = classifier(seeded(Plain()), mean=MEAN, std=STD)
    x = batch()
    expected = module((x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None])
    torch.testing.assert_close(model.logits(x), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(model.logits(x), module(x), atol=1e-2)


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 3, 1, 1), (3, 3, 16, 16)])
def test_rows_are_normalised_as_pixels_are_to_the_last_bit(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    shift, scale = (torch.tensor(each).view(1, 3, 1, 1) for each in (MEAN, STD))
    for layout in (torch.contiguous_format, torch.channels_last):
        z = x.contiguous(memory_format=layout).requires_grad_()
        got, wanted = normalised(z, MEAN, STD), (z - shift) / scale
        assert torch.equal(got, wanted)
        assert got.is_contiguous(memory_format=layout)
        weights = torch.rand_like(got)
        gradients = [torch.autograd.grad((weights * y).sum(), z)[0] for y in (got, wanted)]
        assert torch.equal(*gradients)


def test_a_network_without_statistics_sees_the_input_itself() -> None:
    seen: list[Tensor] = []

    class Looks(Means):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return super().forward(x)

    x = batch()
    classifier(Looks()).logits(x)
    assert torch.equal(seen[-1], x)


def test_a_network_that_works_in_place_does_not_change_the_callers_images() -> None:
    class Careless(Means):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.sub_(0.5))

    x = batch().contiguous(memory_format=torch.channels_last)
    kept = x.clone()
    model = classifier(Careless())
    torch.testing.assert_close(model.logits(x), Means()(kept - 0.5))
    assert torch.equal(x, kept)
    model.logits(x.requires_grad_()).sum().backward()  # type: ignore[no-untyped-call]


def test_another_frame_is_resized_with_antialiasing() -> None:
    model = classifier(Means(), size=8)
    x = batch(2, 24, 20)
    small = functional.interpolate(x, (8, 8), mode="bilinear", antialias=True)
    aliased = functional.interpolate(x, (8, 8), mode="bilinear")
    torch.testing.assert_close(model.logits(x), model.logits(small))
    assert not torch.allclose(model.logits(aliased), model.logits(small), atol=1e-3)


def test_without_a_size_every_frame_is_taken_as_it_is() -> None:
    model = classifier(Means())
    x = batch(2, 9, 13)
    torch.testing.assert_close(model.logits(x), Means()(x))
    assert model.pipeline.size is None


def test_a_height_and_a_width_are_told_apart() -> None:
    seen: list[tuple[int, ...]] = []

    class Looks(Means):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(tuple(x.shape))
            return super().forward(x)

    model = build(Network(name="t", module=Looks()), options=Options(size=(10, 20)))
    model.logits(batch(2, 30, 30))
    assert seen[-1] == (2, 3, 10, 20)
    assert model.pipeline.size == (10, 20)


@pytest.mark.parametrize("frame", [16, 24])
def test_the_gradient_is_that_of_finite_differences(frame: int) -> None:
    model = classifier(seeded(Plain()).double(), size=16, mean=MEAN, std=STD)
    model = TorchClassifier(**{**vars(model), "dtype": torch.float64})
    x = batch(1, frame, frame).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: model.logits(z)[:, :2], (x,), fast_mode=True)


def test_gradients_flow_after_a_call_under_inference_mode() -> None:
    model = classifier(seeded(Plain()), mean=MEAN, std=STD)
    with torch.inference_mode():
        model.logits(batch())
    x = batch().requires_grad_()
    (gradient,) = torch.autograd.grad(model.logits(x).sum(), x)
    assert gradient.abs().sum() > 0
    assert all(p.grad is None and not p.requires_grad for p in model.module.parameters())


@pytest.mark.parametrize(
    "form",
    [
        lambda z: z,
        lambda z: SimpleNamespace(logits=z, loss=None),
        lambda z: {"logits": z, "features": z * 2},
        lambda z: {"out": z, "aux": z * 2},
        lambda z: {"scores": z},
        lambda z: (z, z * 2),
        lambda z: [z],
    ],
)
def test_logits_are_found_in_common_containers(form: Callable[[Tensor], Any]) -> None:
    z = batch(2, 1, 1).flatten(1)
    assert outputs(form(z), "net") is z


@pytest.mark.parametrize("returned", [None, "text", {}, {"a": torch.ones(2), "b": torch.ones(2)}])
def test_other_containers_are_explained(returned: Any) -> None:
    with pytest.raises(RoadworthyError, match=r"net: .*without recognisable logits; expected"):
        outputs(returned, "net")


def test_the_first_of_1001_outputs_is_taken_off() -> None:
    model = classifier(Means(1001))
    x = batch(2)
    assert model.classes == Classes(1000, offset=1)
    torch.testing.assert_close(model.logits(x), Means(1001)(x)[:, 1:])


def test_classes_given_for_1001_outputs_are_believed() -> None:
    model = classifier(Means(1001), classes=Classes(1001))
    assert model.logits(batch(1)).shape == (1, 1001)


def test_an_offset_can_be_given() -> None:
    model = classifier(Means(5), offset=2)
    assert model.classes.count == 3
    torch.testing.assert_close(model.logits(batch(1)), Means(5)(batch(1))[:, 2:])
    with pytest.raises(UsageError, match="offset=5 leaves no class of 5 outputs"):
        classifier(Means(5), offset=5)


def test_classes_that_do_not_fit_the_outputs_are_refused() -> None:
    with pytest.raises(UsageError, match="the network has 5 outputs, but its classes are 10"):
        classifier(Means(5), classes=Classes(10))


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(3, 8, 8),
        torch.zeros(2, 1, 8, 8),
        torch.zeros(2, 8, 8, 3),
        torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
        "picture.png",
    ],
)
def test_input_of_another_form_is_refused(x: Any) -> None:
    with pytest.raises(RoadworthyError, match=r"takes a float tensor \(N, 3, H, W\)"):
        classifier(Means()).logits(x)


def test_a_network_that_returns_maps_is_refused() -> None:
    with pytest.raises(RoadworthyError, match=r"shape \(2, 3, 32, 32\), expected \(2, classes\)"):
        classifier(nn.Identity())


def test_a_network_that_merges_images_is_refused_when_it_does() -> None:
    class Merges(Means):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)[: 2 if len(x) == 2 else 1]

    model = classifier(Merges())
    with pytest.raises(RoadworthyError, match=r"shape \(1, 3\), expected \(5, 3\)"):
        model.logits(batch(5))


def test_a_network_that_runs_on_no_tried_frame_says_why() -> None:
    class Fussy(Means):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError(f"cannot take {x.shape[-1]} pixels")

    with pytest.raises(
        RoadworthyError, match=r"frame of 9x9: .*cannot take 9 pixels; give the fra"
    ):
        classifier(Fussy(), size=9)


def test_half_precision_networks_answer_in_float32() -> None:
    model = classifier(Means().bfloat16())
    model = TorchClassifier(**{**vars(model), "dtype": torch.bfloat16})
    assert model.logits(batch()).dtype == torch.float32


def test_what_it_says_about_itself() -> None:
    model = classifier(seeded(Plain()))
    assert model.id.startswith("test/net@")
    assert model.gives == {Need.GRADIENT, Need.LOGITS, Need.PROBABILITIES, Need.LABELS}
    assert model.classes.count == CLASSES
    assert model.metadata.parameters == sum(p.numel() for p in Plain().parameters())
    assert not model.module.training
