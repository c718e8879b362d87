"""Networks computed another way, each against the unprepared network changed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_networks import Means, Plain, Reuses, seeded
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.errors import InapplicableError, UsageError
from roadworthy.models.alterations.base import Rerouted
from roadworthy.models.alterations.pooling import pools_rounded
from roadworthy.models.base import Network, Stats
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.combine import combined
from roadworthy.models.load import load
from roadworthy.models.quantise.apply import quantise
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.bound import stress
from roadworthy.stress.changes import check_applies, judged_by
from roadworthy.types import Classifier

OWN: tuple[Stats, Stats] = ((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


def model(
    module: nn.Module, size: int = 17, mean: Stats = (0.5,) * 3, std: Stats = (0.5,) * 3
) -> TorchClassifier:
    """Return a prepared copy of ``module``."""
    network = Network(
        name="t",
        module=copy.deepcopy(module),
        mean=mean,
        std=std,
        pipeline=Pipeline((size, size)),
    )
    return build(network)


def altered(text: str, one: Classifier, size: int = 17) -> Classifier:
    """Return ``one`` changed as ``text`` says, once it is known to change something."""
    bound = stress(text)
    (setting,) = bound.settings
    check_applies(bound, setting, one, (size, size))
    return judged_by(bound, setting, one)


def batch(size: int = 17, count: int = 4) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def same(one: Classifier, by_hand: nn.Module, x: Tensor) -> bool:
    """Whether a classifier gives the logits of ``by_hand`` on input normalised by 0.5."""
    got, wanted = one.logits(x), by_hand.eval()((x - 0.5) / 0.5)
    return bool((got - wanted).abs().max() <= 2e-5 * wanted.abs().max())


class Pooled(nn.Module):
    """Pools as modules, as functions with and without names, and straight from torch."""

    def __init__(self, ceil_mode: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=ceil_mode)
        self.average = nn.AvgPool2d(2, 2, ceil_mode=ceil_mode)
        self.head = nn.Linear(32, 5)
        self.up = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        a = self.average(self.pool(x)).mean((2, 3))
        b = functional.max_pool2d(x, 4, stride=3, padding=1, ceil_mode=self.up).mean((2, 3))
        c = functional.avg_pool2d(x, 3, 2, 0, self.up).mean((2, 3))
        d = torch.max_pool2d(x, 5, 4, 0, 1, self.up).mean((2, 3))
        return self.head(torch.cat([a, b, c, d], 1))  # type: ignore[no-any-return]


def pooled(up: bool) -> Pooled:
    return seeded(Pooled(ceil_mode=up))


@pytest.mark.parametrize("size", [14, 15, 16, 18])
def test_pools_are_rounded_up_and_down(size: int) -> None:
    x, up, down = batch(size), model(pooled(up=True), size), model(pooled(up=False), size)
    assert same(altered("ceil_mode", down, size), pooled(up=True), x)
    assert same(altered("ceil_mode(mode=floor)", up, size), pooled(up=False), x)
    assert same(down, pooled(up=False), x)  # what it was made of is as it was
    assert not same(down, pooled(up=True), x)


@pytest.mark.parametrize(("width", "kernel", "step", "pad"), [(112, 3, 2, 1), (13, 2, 2, 0)])
def test_the_size_is_that_of_the_formula(width: int, kernel: int, step: int, pad: int) -> None:
    sizes: list[int] = []

    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.head = nn.MaxPool2d(kernel, step, pad), nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.pool(x)
            sizes.append(x.shape[-1])
            return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]

    one = model(Looks(), width)
    altered("ceil_mode", one, width).logits(batch(width, 1))
    assert sizes[-1] == ceil((width - kernel + 2 * pad) / step) + 1
    one.logits(batch(width, 1))
    assert sizes[-1] == (width - kernel + 2 * pad) // step + 1 == ceil(width / step) - width % 2


def test_a_timm_network_with_its_pool_rounded_up() -> None:
    from timm import create_model

    raw = seeded(create_model("test_resnet", num_classes=9).eval())
    one, x = model(raw, 64), batch(64)
    assert type(one.module) is not type(raw)  # folded and fused
    up = copy.deepcopy(raw)
    pools = [part for part in up.modules() if isinstance(part, nn.MaxPool2d | nn.AvgPool2d)]
    assert pools
    for part in pools:
        part.ceil_mode = True
    assert same(altered("ceil_mode", one, 64), up, x)
    assert not same(one, up, x)


def test_the_stages_of_a_resnet_are_as_published() -> None:
    """SysNoise: 112 columns become 57 instead of 56, and all after them follow."""
    from timm import create_model

    raw = create_model("resnet18", num_classes=2).eval()
    sizes: list[int] = []
    for stage in (raw.layer1, raw.layer2, raw.layer3, raw.layer4):
        stage.register_forward_hook(lambda _, __, out: sizes.append(out.shape[-1]))
    x = batch(224, 1)
    with torch.no_grad():
        raw(x)
        Rerouted(raw, pools_rounded(model(nn.Sequential(Means())), up=True).module.route)(x)  # type: ignore[arg-type]
    assert sizes == [56, 28, 14, 7, 57, 29, 15, 8]


class Gelus(nn.Module):
    """A GELU that is a module, and one that is a function."""

    def __init__(self, form: str = "none") -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)
        self.act, self.form = nn.GELU(form), form

    def forward(self, x: Tensor) -> Tensor:
        x = functional.gelu(self.act(self.conv(x)), approximate=self.form)
        return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]


def test_gelu_has_two_forms() -> None:
    exact, near, x = seeded(Gelus()), seeded(Gelus("tanh")), batch()
    assert same(altered("gelu", model(exact)), near, x)
    assert same(altered("gelu(form=erf)", model(near)), exact, x)
    assert not same(model(exact), near, x)


def with_eps(module: nn.Module, eps: float) -> nn.Module:
    made = copy.deepcopy(module)
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = eps
    return made


class Biased(Plain):
    """A convolution with a bias of its own before the norm, and a norm that scales nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(6, affine=False)


@pytest.mark.parametrize("make", [Plain, Reuses, Biased])
@pytest.mark.parametrize("eps", [1e-3, 0.3])
def test_batch_norms_get_another_epsilon_folded_or_not(
    make: Callable[[], nn.Module], eps: float
) -> None:
    raw, x = seeded(make()), batch()
    one = model(raw)
    left = [part for part in one.module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert bool(left) == (make is Reuses)
    assert same(altered(f"batch_norm_eps(eps={eps})", one), with_eps(raw, eps), x)
    assert same(one, raw, x)
    assert not same(one, with_eps(raw, eps), x)


def test_the_norms_of_timm_get_it_too() -> None:
    from timm import create_model

    raw = seeded(create_model("test_efficientnet", num_classes=9).eval())
    one, x = model(raw, 32), batch(32)
    assert same(altered("batch_norm_eps(eps=0.1)", one, 32), with_eps(raw, 0.1), x)


class Strided(nn.Module):
    """Windows of odd width with a stride of 2; ``pad`` is what is added to each side before them."""

    def __init__(self, *, same: bool, fusable: bool = True) -> None:
        super().__init__()
        pad = 0 if same else 1
        self.same, self.fusable = same, fusable
        self.one = nn.Conv2d(3, 8, 3, 2, padding=pad)
        self.two = nn.Conv2d(8, 6, 5, 2, padding=2 * pad)
        self.narrow, self.valid = nn.Conv2d(6, 6, 1, 2), nn.Conv2d(6, 6, 3, 2)
        self.head = nn.Linear(6, 4)

    def padded(self, x: Tensor, width: int, value: float = 0.0) -> Tensor:
        if not self.same:
            return x
        need = max((-(-x.shape[-1] // 2) - 1) * 2 + width - x.shape[-1], 0)
        edges = (need // 2, need - need // 2)
        return functional.pad(x, (*edges, *edges), value=value)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(self.padded(x, 3))  # of both signs: padding by 0 would be the largest
        if not self.fusable:
            x = (
                x + torch.zeros(len(x), 1, 1, 1).normal_() * 0.0
            )  # cannot be traced to repeat itself
        x = self.padded(x, 3, -torch.inf)
        x = functional.max_pool2d(x, 3, stride=2, padding=0 if self.same else 1)
        x = torch.relu(self.two(self.padded(x, 5)))
        return self.head(self.valid(self.narrow(x)).mean((2, 3)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("size", [40, 50, 62])
@pytest.mark.parametrize("fusable", [True, False])
def test_padding_as_same(size: int, fusable: bool) -> None:
    even = seeded(Strided(same=False, fusable=fusable))
    odd, x = seeded(Strided(same=True)), batch(size)
    assert same(altered("padding(style=same)", model(even, size), size), odd, x)
    assert not same(model(even, size), odd, x)


@pytest.mark.parametrize("fusable", [True, False])
def test_padding_of_timm_as_symmetric(fusable: bool) -> None:
    from timm.layers import create_conv2d

    class Timm(nn.Module):
        def __init__(self, padding: str) -> None:
            super().__init__()
            self.one = create_conv2d(3, 8, 3, stride=2, padding=padding)
            self.two = create_conv2d(8, 8, 5, stride=2, padding=padding, groups=8)
            self.head = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.two(torch.relu(self.one(x)))
            x = x if fusable else x + torch.zeros(len(x), 1, 1, 1).normal_() * 0.0
            return self.head(torch.relu(x).mean((2, 3)))  # type: ignore[no-any-return]

    uneven, even, x = seeded(Timm("same")), seeded(Timm("")), batch(32)
    changed = altered("padding(style=symmetric)", model(uneven, 32), 32)
    assert same(changed, even, x)
    assert same(model(uneven, 32), uneven, x)
    assert not same(model(uneven, 32), even, x)
    assert same(altered("padding(style=same)", changed, 32), uneven, x)  # and back


def by_hand(x: Tensor, mean: Stats, std: Stats) -> Tensor:
    """Return the logits of `Means` for input normalised so."""
    z = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    logits: Tensor = Means()(z)
    return logits.detach()


@pytest.mark.parametrize(
    ("text", "mean", "std"),
    [
        ("normalisation", (0.0,) * 3, (1.0,) * 3),
        ("normalisation(mean=half, std=half)", (0.5,) * 3, (0.5,) * 3),
        ("normalisation(mean=(0.1, 0.2, 0.3), std=(1, 1, 2))", (0.1, 0.2, 0.3), (1.0, 1.0, 2.0)),
        ("normalisation(mistake=imagenet)", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("normalisation(mistake=half)", (0.5,) * 3, (0.5,) * 3),
        ("normalisation(mistake=unnormalised)", (0.0,) * 3, (1.0,) * 3),
        ("normalisation(mistake=swapped)", OWN[1], OWN[0]),
        (
            "normalisation(mistake=clip)",
            (0.48145466, 0.4578275, 0.40821073),
            (0.26862954, 0.26130258, 0.27577711),
        ),
    ],
)
def test_other_constants(text: str, mean: Stats, std: Stats) -> None:
    one, x = model(Means(), 17, *OWN), batch()
    torch.testing.assert_close(
        altered(text, one).logits(x), by_hand(x, mean, std), rtol=1e-4, atol=1e-4
    )


def test_values_that_are_not_divided_or_twice() -> None:
    one, x = model(Means(), 17, *OWN), batch()
    for name, factor in (("undivided", 255.0), ("divided_twice", 1 / 255)):
        got = altered(f"normalisation(mistake={name})", one).logits(x)
        wanted = by_hand(factor * x, *OWN)
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-3 * float(wanted.abs().max()))


def test_caffe_gives_blue_first_less_the_mean_of_each() -> None:
    one, x = model(Means(), 17, *OWN), batch()
    blue_first = 255.0 * x.flip(1) - torch.tensor([103.939, 116.779, 123.68])[:, None, None]
    wanted = Means()(blue_first)
    torch.testing.assert_close(
        altered("normalisation(mistake=caffe)", one).logits(x), wanted, rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize(
    ("text", "module", "said"),
    [
        ("ceil_mode", Plain, "changes nothing of t@.* on frames of 17x17: it has no pools"),
        ("ceil_mode(mode=floor)", Pooled, "frames of pools down changes nothing"),
        ("gelu", Plain, "computing GELU by its tanh form changes nothing"),
        ("batch_norm_eps(eps=1e-5)", Plain, r"eps=1e-05 in batch norms changes nothing"),
        ("batch_norm_eps", Gelus, "it has none"),
        ("padding(style=symmetric)", Plain, "symmetric padding changes nothing"),
        ("normalisation(mistake=half)", Plain, "this normalisation changes nothing.*its own"),
        ("normalisation(mistake=swapped)", Plain, "changes nothing"),
    ],
)
def test_what_changes_nothing_says_so(text: str, module: Any, said: str) -> None:
    with pytest.raises(InapplicableError, match=said):
        altered(text, model(seeded(module())))


def test_frames_that_all_windows_fit_do_not_change() -> None:
    class Even(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.head = nn.MaxPool2d(2), nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.pool(x).mean((2, 3)))  # type: ignore[no-any-return]

    with pytest.raises(InapplicableError, match="or all fit evenly"):
        altered("ceil_mode", model(Even(), 16), 16)
    assert altered("ceil_mode", model(Even(), 17), 17).id.endswith("+ceil_mode")


def test_a_network_for_one_frame_only_does_not_run() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.head = nn.MaxPool2d(2), nn.Linear(3 * 8 * 8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.pool(x).flatten(1))  # type: ignore[no-any-return]

    with pytest.raises(InapplicableError, match=r"\+ceil_mode does not run: .*RuntimeError: mat1"):
        altered("ceil_mode", model(Fixed()))


def test_a_mean_of_zero_divides_nothing() -> None:
    one = model(Means(), 17, (0.0, 0.5, 0.5))
    with pytest.raises(InapplicableError, match="mean and std cannot be swapped"):
        altered("normalisation(mistake=swapped)", one)


def test_numbers_that_are_none_have_changed() -> None:
    class Root(Means):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.sqrt())

    one = model(Root(), 17, (0.0,) * 3, (1.0,) * 3)
    assert altered("normalisation(mistake=imagenet)", one).logits(batch()).isnan().any()


def test_ensembles_change_where_one_of_them_does() -> None:
    with_pools, without = model(pooled(up=False), 16), model(seeded(Plain(classes=5)), 16)
    both = combined((with_pools, without), "logits")
    x = batch(16)
    changed = altered("ceil_mode", both, 16)
    wanted = (altered("ceil_mode", with_pools, 16).logits(x) + without.logits(x)) / 2
    torch.testing.assert_close(changed.logits(x), wanted)
    assert changed.id != both.id


@pytest.mark.parametrize("text", ["batch_norm_eps(eps=0.1)", "padding(style=same)"])
def test_what_changes_weights_comes_before_rounding_them(text: str) -> None:
    few = Quantisation(weights=8, activations=8, ends=8, images=2)
    with pytest.raises(InapplicableError, match=r"has to come before, as in stack\("):
        altered(text, quantise(model(seeded(Plain())), few))
    pools = quantise(model(pooled(up=False), 16), few)
    assert altered("ceil_mode", pools, 16).id == f"{pools.id}+ceil_mode"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("normalisation(mistake=half, mean=half)", "either a mistake or mean and std"),
        ("normalisation(std=(0, 1, 1))", "std must be positive"),
        ("normalisation(mean=(123, 117, 104))", "in units of .0, 1., not of 0..255"),
        ("normalisation(mistake=cafe)", "did you mean 'caffe'"),
        ("batch_norm_eps(eps=0)", "above 0, not 0"),
        ("padding", "needs 'style'"),
        ("ceil_mode(mode=up)", "mode=up: expected one of 'ceil', 'floor'"),
    ],
)
def test_words_and_numbers_that_mean_nothing(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(text)


def test_gradients_go_through_what_takes_another_route() -> None:
    x = batch(16).requires_grad_()
    for text, raw in (("ceil_mode", pooled(up=False)), ("gelu", seeded(Gelus()))):
        changed = altered(text, model(raw, 16), 16)
        (gradient,) = torch.autograd.grad(changed.logits(x).sum(), x)
        assert gradient.abs().sum() > 0


NET = """
import torch
from torch import nn

def pooled():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(4, 3))
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(NET)
    return f"torch:{tmp_path / 'nets.py'}:pooled(size=17)"


def test_a_change_makes_a_model_of_its_own(spec: str) -> None:
    plain, changed = load(spec), load(f"modified({spec}, ceil_mode)")
    assert changed.spec == f"modified({plain.spec}, change=ceil_mode)"  # type: ignore[attr-defined]
    again = load(changed.spec)  # type: ignore[attr-defined]
    assert again.id == changed.id != plain.id
    assert changed.id.startswith("modified/ceil_mode@")
    x = batch()
    assert torch.equal(changed.logits(x), altered("ceil_mode", plain).logits(x))
    assert not torch.equal(changed.logits(x), plain.logits(x))
    other = load(f"modified({spec}, normalisation(mistake=half))")
    assert other.id not in (changed.id, plain.id)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "say what changes torch/pooled@.*: a stress on models, such as precision"),
        (", gaussian_noise(severity=1)", "does not change the model"),
        (", precision(dtype=[bf16, fp16])", r"has 2 variants; choose one, for example precision\("),
        (", gelu", "computing GELU by its tanh form changes nothing"),
        (", ceil_mod", "did you mean 'ceil_mode'"),
    ],
)
def test_changes_that_make_no_model(spec: str, change: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(f"modified({spec}{change})")
