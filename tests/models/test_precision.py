from __future__ import annotations

import pytest
import torch
from tiny_networks import Plain, seeded
from torch import Tensor, nn

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.combine import Ensemble, combined
from roadworthy.models.precision import cast, in_precision
from roadworthy.types import Classifier


class Foreign:
    """A classifier that is not torch's."""

    def __init__(self, model: Classifier) -> None:
        self.id, self.pipeline = "foreign", model.pipeline
        self.classes, self.gives = model.classes, model.gives

    def logits(self, x: Tensor) -> Tensor:
        return x


def model(seed: int = 0) -> TorchClassifier:
    return build(Network(name="t", module=seeded(Plain(), seed), mean=(0.5, 0.5, 0.5)))


def batch() -> Tensor:
    return torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def error(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


def test_bf16_judging_is_rounded_but_the_same_model() -> None:
    plain, x = model(), batch()
    fast = in_precision(plain, "bf16")
    assert fast.id == plain.id
    assert fast.logits(x).dtype == torch.float32
    assert 1e-5 < error(fast.logits(x), plain.logits(x)) < 0.05
    assert torch.equal(in_precision(fast, "fp32").logits(x), plain.logits(x))


def test_bf16_judging_still_gives_gradients() -> None:
    x = batch().requires_grad_()
    (gradient,) = torch.autograd.grad(in_precision(model(), "bf16").logits(x).sum(), x)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("bf16", 1e-4, 0.05), ("fp16", 1e-5, 0.01), ("fp64", 1e-9, 1e-5)]
)
def test_a_cast_model_computes_in_that_format(dtype: str, low: float, high: float) -> None:
    plain, x = model(), batch()
    changed = cast(plain, dtype)
    assert isinstance(changed, TorchClassifier)
    assert changed.id == f"{plain.id}+{dtype}"
    assert {p.dtype for p in changed.module.parameters()} == {changed.dtype}
    assert {p.dtype for p in plain.module.parameters()} == {torch.float32}
    out = changed.logits(x)
    assert out.dtype == (torch.float64 if dtype == "fp64" else torch.float32)
    assert low < error(out.float(), plain.logits(x)) < high or dtype == "fp64"
    assert error(out.float(), plain.logits(x)) < high


def test_the_input_of_a_cast_model_is_rounded_after_normalising() -> None:
    seen: list[Tensor] = []

    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 4))

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x.mean(dim=(2, 3)) @ self.weight

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    plain = build(Network(name="t", module=Looks(), mean=mean, std=std))
    x = batch()
    cast(plain, "bf16").logits(x)
    z = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    assert seen[-1].dtype == torch.bfloat16
    assert torch.equal(seen[-1], z.bfloat16())


def test_ensembles_change_member_by_member() -> None:
    pair = combined((model(0), model(1)), "logits")
    x = batch()
    changed = cast(pair, "bf16")
    assert isinstance(changed, Ensemble)
    assert [m.id[-5:] for m in changed.members] == ["+bf16", "+bf16"]
    assert changed.id != pair.id
    assert 1e-5 < error(changed.logits(x), pair.logits(x)) < 0.05
    assert in_precision(pair, "bf16").id == pair.id
    assert 1e-5 < error(in_precision(pair, "bf16").logits(x), pair.logits(x)) < 0.05


def test_a_format_that_the_network_cannot_run_in_is_explained() -> None:
    class Fussy(Plain):
        def forward(self, x: Tensor) -> Tensor:
            if x.dtype == torch.float16:
                raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")
            return super().forward(x)

    net = build(Network(name="t", module=seeded(Fussy())))
    with pytest.raises(RoadworthyError, match=r"cannot run in fp16 on cpu: .*not implemented for"):
        cast(net, "fp16")


def test_wrong_words_and_foreign_models() -> None:
    net = model()
    with pytest.raises(
        UsageError, match="precision is fp32 or bf16, not 'bf8'; did you mean 'bf16'"
    ):
        in_precision(net, "bf8")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"dtype is one of .*, not 'fp61'; did you mean 'fp64'"):
        cast(net, "fp61")
    foreign = Foreign(net)
    with pytest.raises(RoadworthyError, match="foreign: dtype bf16 needs a torch model"):
        cast(foreign, "bf16")
