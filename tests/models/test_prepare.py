from __future__ import annotations

import copy

import pytest
import timm
import torch
from tiny_networks import CallsTwice, InPlace, Plain, Reuses, seeded
from torch import Tensor, nn

from roadworthy.models.fold import TOLERANCE, fixed_batch, folded, norm_pairs
from roadworthy.models.prepare import prepared

FRAME = (16, 16)


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def assert_same(a: nn.Module, b: nn.Module, size: int = 16) -> None:
    x = torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        wanted = a(x)
        torch.testing.assert_close(b(x), wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_norms_are_folded_and_logits_stay() -> None:
    original = seeded(Plain()).eval()
    module = prepared(copy.deepcopy(original), FRAME)
    assert norms(original) == 2
    assert norms(module) == 0
    assert_same(original, module)


def test_a_norm_without_affine_parameters_and_a_bias_before_it_fold() -> None:
    original = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, affine=False), nn.Flatten(), nn.LazyLinear(4)
    )
    original(torch.zeros(2, 3, *FRAME))
    seeded(original).eval()
    module = folded(original, FRAME)
    assert norms(module) == 0
    assert_same(original, module)


@pytest.mark.parametrize("kind", [Reuses, CallsTwice, InPlace])
def test_where_folding_would_change_the_logits_it_is_left_out(kind: type[Plain]) -> None:
    original = seeded(kind()).eval()
    module = prepared(copy.deepcopy(original), FRAME)
    assert norms(module) >= 1
    assert torch.equal(original.bn1.weight, dict(module.named_parameters())["bn1.weight"])
    assert_same(original, module)


def test_pairs_in_doubt_are_left_out_and_the_rest_is_folded() -> None:
    for kind in (CallsTwice, InPlace):
        module = seeded(kind()).eval()
        pairs, _ = norm_pairs(module, fixed_batch(module, FRAME))
        assert pairs == [("conv2", "bn2")]


def test_a_norm_that_does_more_than_its_formula_is_left_alone() -> None:
    class Louder(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 3

    original = seeded(Plain())
    original.bn1 = seeded(Louder(8))
    original.eval()
    module = folded(original, FRAME)
    assert isinstance(module.bn1, Louder)
    assert_same(original, module)


def test_a_broken_network_is_returned_as_it_is() -> None:
    original = seeded(Plain()).eval()
    with torch.no_grad():
        original.bn1.weight[0] = float("nan")
    assert folded(original, FRAME) is original


def test_weights_tied_to_another_convolution_stay_there() -> None:
    class Ties(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.conv3 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
            self.conv3.weight = self.conv1.weight

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x + self.conv3(x).mean(dim=1, keepdim=True))

    original = seeded(Ties()).eval()
    module = folded(original, FRAME)
    assert norms(module) == 0
    assert isinstance(module, Ties)
    assert torch.equal(module.conv3.weight, original.conv3.weight)
    assert_same(original, module)


def test_timm_norms_keep_their_activation_and_same_padding_folds() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        original = timm.create_model("tf_efficientnet_lite0", num_classes=5).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in original.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.2, generator=generator)  # type: ignore[union-attr]
                part.running_var.uniform_(0.5, 1.5, generator=generator)  # type: ignore[union-attr]
                part.bias.normal_(0, 0.2, generator=generator)
    module = folded(original, (64, 64))
    assert norms(original) > 40
    assert norms(module) == 0
    assert_same(original, module, 64)


def test_preparing_freezes_and_lays_channels_last() -> None:
    module = prepared(seeded(Plain()), FRAME)
    assert not module.training
    assert not any(p.requires_grad for p in module.parameters())
    weight = module.get_submodule("conv1").weight
    assert isinstance(weight, Tensor)
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_tolerance_is_far_from_what_a_wrong_fold_does() -> None:
    original = seeded(Reuses()).eval()
    x = fixed_batch(original, FRAME)
    wrong = copy.deepcopy(original)
    with torch.no_grad():
        wrong.conv1.weight.mul_(1.01)
        wanted, got = original(x), wrong(x)
    assert (wanted - got).abs().max() > 10 * TOLERANCE * wanted.abs().max()
