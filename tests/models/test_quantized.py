"""Networks with few bits: what is rounded, what is not, and that they are models like others."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_networks import Plain, seeded
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.errors import InapplicableError, RoadworthyError, UsageError
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.load import load
from roadworthy.models.quantise.apply import quantise
from roadworthy.models.quantise.frames import calibration_frames
from roadworthy.models.quantise.layers import layers
from roadworthy.models.quantise.pictures import leaves
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.pipeline.base import Pipeline

FEW = {"images": 3}

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.head = nn.Linear(8, 4)
    def forward(self, x):
        return self.head(torch.relu(self.two(torch.relu(self.one(x)))).mean((2, 3)))

def net(seed=0):
    return Net(seed)
"""


class Chain(nn.Module):
    """Three convolutions and a linear layer, so that there are layers that are not at an end."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 3, stride=2)
        self.three, self.head = nn.Conv2d(6, 6, 3, groups=6), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.two(torch.relu(self.one(x))))
        return self.head(torch.relu(self.three(x)).mean((2, 3)))  # type: ignore[no-any-return]


class Smooth(Chain):
    """The same with activations that hide nothing."""

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.two(torch.tanh(self.one(x))))
        return self.head(torch.tanh(self.three(x)).mean((2, 3)))  # type: ignore[no-any-return]


def model(module: nn.Module | None = None, *, size: int | None = 16) -> TorchClassifier:
    network = Chain() if module is None else module
    pipeline = None if size is None else Pipeline((size, size))
    return build(Network(name="t", module=seeded(network), mean=(0.5, 0.5, 0.5), pipeline=pipeline))


def settings(bits: int = 8, **given: object) -> Quantisation:
    return Quantisation(**{"weights": bits, "activations": bits, "ends": 2, **FEW, **given})  # type: ignore[arg-type]


def quantised(module: nn.Module | None = None, **given: object) -> TorchClassifier:
    made = quantise(model(module), settings(**given))  # type: ignore[arg-type]
    assert isinstance(made, TorchClassifier)
    return made


def batch(count: int = 6) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def levels(x: Any) -> int:
    """Return how many values there are in ``x``."""
    return len(torch.unique(x))


def weight(network: TorchClassifier, name: str) -> Any:
    """Return the weight of the layer ``name`` as it is inside of ``network``."""
    wrapped = network.module.get_submodule(f"network.{name}")
    return wrapped.weight


def entered(network: TorchClassifier, x: Tensor) -> dict[str, Tensor]:
    """Return what each layer multiplies with its weights, once the hooks before it have run."""
    found: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_pre_hook(lambda _, args, n=name: found.update({n: args[0].detach()}))
        for name, part in layers(network.module).items()
    ]
    network.logits(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_and_inputs_stand_on_their_levels(bits: int) -> None:
    network = quantised(bits=bits)
    assert len(layers(network.module)) == 4
    for name, x in entered(network, batch(64)).items():
        assert 1 < levels(x) <= 2**bits, name
        for channel in weight(network, name[8:]):
            assert 1 < levels(channel) <= 2**bits, name


def test_first_and_last_layer_have_at_least_as_many_bits_as_their_share() -> None:
    network = quantised(bits=2, ends=8)
    counts = [levels(x) for x in entered(network, batch(64)).values()]
    names = list(entered(network, batch(1)))
    assert [name.rpartition(".")[2] for name in names] == ["one", "two", "three", "head"]
    assert counts[0] > 50
    assert counts[-1] > 20
    assert max(counts[1:-1]) <= 4
    two, head = weight(network, "two"), weight(network, "head")
    assert levels(two[0]) <= 4 < levels(two)
    assert levels(head[0]) > 4
    more = quantised(bits=12, ends=8)
    assert all(levels(x) > 256 for x in list(entered(more, batch(64)).values())[:2])


def test_weights_or_activations_alone() -> None:
    plain, x = model(), batch()
    only_weights = quantised(weights=3, activations=None)
    only_inputs = quantised(weights=None, activations=3)
    for name, part in layers(plain.module).items():
        assert torch.equal(weight(only_inputs, name), next(part.parameters()))
    assert levels(entered(only_inputs, x)["network.two"]) <= 8
    assert levels(entered(only_weights, x)["network.two"]) > 500
    assert levels(weight(only_weights, "two")[0]) <= 8
    outputs = [m.logits(x) for m in (plain, only_weights, only_inputs, quantised(bits=3))]
    for one, other in itertools.combinations(outputs, 2):
        assert not torch.equal(one, other)


def test_more_bits_are_nearer_and_the_float_model_is_left_as_it_is() -> None:
    plain = model()
    frames = torch.from_numpy(calibration_frames(plain.pipeline, 3, None))  # inside all ranges
    x = frames.permute(0, 3, 1, 2) / 255.0
    wanted = plain.logits(x)
    quantise(plain, settings(2))
    errors = [float((quantised(bits=b).logits(x) - wanted).norm()) for b in (2, 4, 6, 8, 12)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01 * float(wanted.norm())
    assert torch.equal(plain.logits(x), wanted)


def test_the_network_is_its_layers_computed_by_hand() -> None:
    """Value and gradient: a surrogate with the weights of the layers, and clips for their inputs."""
    network, x = quantised(bits=4), batch()
    seen = entered(network, x)
    parts = {name.rpartition(".")[2]: part for name, part in layers(network.module).items()}
    hooks: dict[str, Any] = {
        name: next(iter(part._forward_pre_hooks.values())) for name, part in parts.items()
    }
    w: Any = {name: (part.weight, part.bias) for name, part in parts.items()}

    def put(name: str, value: Tensor) -> Tensor:
        grid = hooks[name].grid
        low, high = (grid.scale * (q - grid.zero) for q in (-8.5, 7.5))
        clipped = value.clip(low, high)
        rounded = (value / grid.scale).round().clip(-8 - grid.zero, 7 - grid.zero) * grid.scale
        result: Tensor = clipped + (rounded - clipped).detach()
        return result

    def by_hand(z: Tensor) -> Tensor:
        z = (z - 0.5) / 1.0
        z = functional.conv2d(put("one", z), *w["one"])
        z = functional.conv2d(put("two", z.relu()), w["two"][0], w["two"][1], stride=2)
        z = functional.conv2d(put("three", z.relu()), w["three"][0], w["three"][1], groups=6)
        return functional.linear(put("head", z.relu().mean((2, 3))), *w["head"])

    def loss(logits: Tensor, _y: object) -> Tensor:
        return (logits * torch.linspace(-1, 1, 4)).sum(1)

    assert len(seen) == 4
    logits, _, gradient = value_and_gradient(network, loss, x, None)
    z = x.clone().requires_grad_()
    wanted = by_hand(z)
    (of_surrogate,) = torch.autograd.grad(loss(wanted, None).sum(), z)
    assert torch.allclose(logits, wanted.detach(), atol=1e-4)
    assert torch.allclose(gradient, of_surrogate, atol=1e-5 * float(of_surrogate.abs().max()))
    _, _, of_float = value_and_gradient(model(), loss, x, None)
    assert not torch.allclose(gradient, of_float, atol=1e-2 * float(of_surrogate.abs().max()))


def test_batch_norms_are_in_the_weights_before_they_are_rounded() -> None:
    network = quantised(Plain(), bits=4)
    assert not [part for part in network.module.modules() if isinstance(part, nn.BatchNorm2d)]
    folded = weight(network, "conv1")
    assert levels(folded[0]) <= 16
    own = seeded(Plain()).conv1.weight
    assert not torch.allclose(folded[0].abs().max(), own[0].abs().max())


def test_ids_cover_every_setting_and_the_pictures(tmp_path: Path) -> None:
    ids = [
        quantised(**given).id
        for given in (
            {},
            {"bits": 4},
            {"weights": 4},
            {"activations": 4},
            {"weights": None},
            {"ends": 9},
            {"per_channel": False},
            {"calibration": "mse"},
            {"calibration": "percentile"},
            {"images": 4},
        )
    ]
    assert len(set(ids)) == len(ids)
    assert quantised().id == ids[0]
    assert model().id not in ids
    assert ids[0].startswith(f"{model().id}+quantized-8@")
    assert "+quantized-w4a8@" in ids[2]
    assert "+quantized-wfloata8@" in ids[4]
    other = quantise(model(size=20), settings())
    assert other.id.partition("+")[0] == model().id
    assert other.id not in ids


def test_calibration_is_the_same_every_time() -> None:
    x = batch()
    assert torch.equal(
        quantised(calibration="mse").logits(x), quantised(calibration="mse").logits(x)
    )
    first, again = leaves(2)
    assert first.shape == (256, 256, 3)
    assert (first != again).mean() > 0.5
    assert (leaves(1)[0] == first).all()
    assert len({tuple(pixel) for pixel in first.reshape(-1, 3).tolist()}) > 200


def test_what_is_quantised_so_already_stays_and_otherwise_is_refused() -> None:
    once = quantised(bits=4)
    assert quantise(once, settings(4)) is once
    with pytest.raises(InapplicableError, match="quantised already, to 4 bits; quantise the float"):
        quantise(once, settings(8))


def test_an_image_that_is_no_number_still_says_so() -> None:
    x = batch()
    x[1, 0, 3, 3] = torch.nan
    x[2, 1, 0, 0] = torch.inf
    bad = quantised().logits(x).isnan().all(1)
    assert bad.tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize(("name", "said"), [("head", "what it answers"), ("one", "what enters")])
def test_weights_that_are_no_numbers_are_named(name: str, said: str) -> None:
    network = model(Smooth())
    dict(layers(network.module)[name].named_parameters())["bias"].data[0] = torch.nan
    with pytest.raises(RoadworthyError, match=f"{said}.* is not finite on the calibration"):
        quantise(network, settings())


def test_nothing_to_quantise_or_to_calibrate_on() -> None:
    class Means(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    with pytest.raises(InapplicableError, match="no convolution or linear layer"):
        quantise(build(Network(name="m", module=Means())), settings())
    with pytest.raises(InapplicableError, match=r"how large the frames of t@.* not known.*size="):
        quantise(model(size=None), settings())

    class Foreign:
        id = "foreign"

    with pytest.raises(InapplicableError, match="foreign is not a torch network"):
        quantise(Foreign(), settings())  # type: ignore[arg-type]


class Standardised(nn.Conv2d):
    """A convolution with another weight than the one it stores."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return functional.conv2d(x, weight, self.bias)


class Odd(Chain):
    """One layer computes with another weight than is stored, one is used without a call."""

    def __init__(self) -> None:
        super().__init__()
        self.two = Standardised(8, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.two(torch.relu(self.one(x))))
        x = functional.conv2d(x, self.three.weight, self.three.bias, groups=6)
        return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]


def test_what_is_left_in_float_is_told_of() -> None:
    network = quantised(Odd(), bits=4)
    (told,) = network.notes
    assert "the network computes conv2d 2 times without calling a layer" in told
    assert levels(weight(network, "two")) > 256
    assert len(entered(network, batch())) == 2


class Attends(nn.Module):
    """Patches that attend to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 4, stride=4)
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x, _ = self.attention(x, x, x, need_weights=False)
        return self.head(x.mean(1))  # type: ignore[no-any-return]


def test_attentions_have_rounded_weights_and_inputs() -> None:
    network, plain, x = quantised(Attends(), bits=4), model(Attends()), batch()
    attention: Any = network.module.get_submodule("network.attention")
    assert levels(attention.in_proj_weight[0]) <= 16
    assert levels(attention.out_proj.weight[0]) <= 16
    assert levels(entered(network, x)["network.attention"]) <= 16
    assert network.notes == ()
    error = (network.logits(x) - plain.logits(x)).norm() / plain.logits(x).norm()
    assert 1e-3 < error < 0.5
    z = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.logits(z).sum(), z)
    assert gradient.abs().sum() > 0


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(NETS)
    return f"torch:{tmp_path / 'nets.py'}:net"


def loaded(text: str) -> Any:
    return load(text)


def test_as_a_spec_it_is_a_model_like_others(spec: str) -> None:
    made = loaded(f"quantized({spec}(size=16), bits=8, calibration_images=3, family=few)")
    inner = loaded(f"{spec}(size=16)")
    assert made.spec == f"quantized({inner.spec}, calibration_images=3, family=few)"
    assert loaded(made.spec).id == made.id
    assert made.id.startswith("quantized/8@")
    assert made.gives == inner.gives
    assert made.metadata.parameters == inner.metadata.parameters
    assert made.metadata.family == "few"
    x = batch()
    assert 0 < (made.logits(x) - inner.logits(x)).norm() < 0.1 * inner.logits(x).norm()
    pair = loaded(
        f"ensemble({made.spec}, quantized({spec}(seed=1, size=16), 4, calibration_images=3))"
    )
    whole = loaded(
        f"quantized(ensemble({spec}(size=16), {spec}(seed=1, size=16)), 4, calibration_images=3)"
    )
    assert pair.logits(x).shape == whole.logits(x).shape == (6, 4)
    assert not torch.equal(whole.logits(x), pair.logits(x))


def test_images_of_the_user_calibrate_it(spec: str, tmp_path: Path) -> None:
    from engine_world import write_pictures

    folder = write_pictures(tmp_path / "pictures", each=2)
    text = f"quantized({spec}(size=16), 4, calibration_images=4, calibration_data=imagefolder:{folder})"
    drawn = loaded(f"quantized({spec}(size=16), 4, calibration_images=4)")
    given = loaded(text)
    assert given.id != drawn.id
    assert not torch.equal(given.logits(batch()), drawn.logits(batch()))
    unsized = loaded(text.replace("(size=16)", "()"))
    assert unsized.logits(batch()).shape == (6, 4)
    before = given.id
    for file in folder.rglob("*.png"):
        file.write_bytes(next(folder.rglob("0.png")).read_bytes())
    assert loaded(text).id != before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("bits=1", "bits is a number of bits, 2 to 16, not 1"),
        ("bits=40", "bits is a number of bits, 2 to 16, not 40"),
        ("weights=1", "weights is a number of bits, 2 to 16, not 1"),
        ("activations=99", "activations is a number of bits"),
        ("ends=0", "ends is a number of bits"),
        ("weights=float, activations=float", "leave nothing to quantise"),
        ("weights=half", "weights=half: expected a whole number or one of 'bits', 'float'"),
        ("calibration=mean", "did you mean 'mse'"),
        ("calibration_images=0", "calibration_images is a number of pictures, 1 to 10000, not 0"),
        ("calibration_data=csv:none.csv", "csv:none.csv: cannot be opened"),
        ("bit=4", "no parameter 'bit'; did you mean 'bits'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(spec: str, given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loaded(f"quantized({spec}(size=16), {given})")
