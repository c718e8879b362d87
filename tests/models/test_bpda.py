"""Gradients through what has none, inside a user's module and in front of a whole model."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import colour_net, write_pictures
from tiny_networks import CLASSES, Plain, seeded
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.defence import defended
from roadworthy.models.front import Fronted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.precision import in_precision
from roadworthy.models.wrap import wrap
from roadworthy.spec import Spec, parse
from roadworthy.stress import STRESSES
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.types import Classes, Need

JPEG = "jpeg_compression(quality=30)"


def batch(count: int = 3, side: int = 16) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(5))


def quantised(x: Tensor) -> Tensor:
    return torch.floor(x * 8) / 8


def inner() -> TorchClassifier:
    return wrap(seeded(Plain()), size=16, name="inner")


def in_8_bits(x: Tensor, quality: int | None = None) -> Tensor:
    """Return what a user's own code would make of a batch: rounded, and as JPEG."""
    frames = torch.round(x * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    if quality is not None:
        jpeg = STRESSES.get("jpeg_compression").function
        frames = np.stack([jpeg(np.ascontiguousarray(f), quality=quality) for f in frames])
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255


def test_forward_is_exact_and_the_gradient_goes_straight_through() -> None:
    x = batch().requires_grad_()
    out = rw.bpda(quantised)(x)
    assert torch.equal(out, quantised(x))
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((out * weights).sum(), x)
    assert torch.equal(gradient, weights)


def test_the_gradient_is_that_of_the_approximation_where_one_is_given() -> None:
    x = batch().requires_grad_()
    soft = rw.bpda(quantised, lambda z: z**3)
    out = soft(x)
    assert torch.equal(out, quantised(x))
    (gradient,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    torch.testing.assert_close(gradient, 3 * x**2)
    (curvature,) = torch.autograd.grad(gradient.sum(), x)
    torch.testing.assert_close(curvature, 6 * x.detach())


def test_forward_runs_without_a_graph_and_nothing_else_runs_where_no_gradient_is_asked() -> None:
    seen: list[str] = []

    def forward(z: Tensor) -> Tensor:
        seen.append("graph" if z.requires_grad or torch.is_grad_enabled() else "forward")
        return torch.from_numpy(np.ones_like(z.numpy()))

    def backward(z: Tensor) -> Tensor:
        seen.append("backward")
        return z

    part = rw.bpda(forward, backward)
    part(batch())
    with torch.no_grad():
        part(batch().requires_grad_())
    assert seen == ["forward", "forward"]
    part(batch().requires_grad_())
    assert seen[2:] == ["forward", "backward"]


def test_a_forward_that_changes_its_input_in_place_changes_it_for_nobody_else() -> None:
    x = batch().requires_grad_()
    kept = x.detach().clone()
    out = rw.bpda(lambda z: z)(x)
    with torch.no_grad():
        out.mul_(0)
    assert torch.equal(x, kept)


def test_shapes_that_do_not_agree_are_explained() -> None:
    x = batch().requires_grad_()
    with pytest.raises(
        RoadworthyError, match=r"forward returned shape \(3, 3, 8, 8\).*give bpda a b"
    ):
        rw.bpda(lambda z: z[..., ::2, ::2])(x)
    with pytest.raises(RoadworthyError, match=r"of shape \(3, 1, 16, 16\)$"):
        rw.bpda(quantised, lambda z: z[:, :1])(x)
    halved = rw.bpda(lambda z: z[..., ::2, ::2], lambda z: nn.functional.avg_pool2d(z, 2))
    (gradient,) = torch.autograd.grad(halved(x).sum(), x)
    assert (gradient == 0.25).all()


class Defended(nn.Module):
    """A user's network with a step that has no gradient."""

    def __init__(self, *, hook: bool) -> None:
        super().__init__()
        self.network = seeded(Plain())
        self.step = rw.bpda(quantised) if hook else quantised

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(self.step(x))
        return out


def test_inside_a_users_module_attacks_get_a_gradient() -> None:
    x, goal = batch(), Goal(torch.arange(3))
    with_hook, without = (wrap(Defended(hook=hook), size=16) for hook in (True, False))
    assert torch.equal(with_hook.logits(x), without.logits(x))
    _, _, nothing = value_and_gradient(without, margin, x, goal)
    _, _, gradient = value_and_gradient(with_hook, margin, x, goal)
    _, _, expected = value_and_gradient(wrap(seeded(Plain()), size=16), margin, quantised(x), goal)
    assert (nothing == 0).all()
    assert (gradient != 0).flatten(1).any(dim=1).all()
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-6)
    assert copy.deepcopy(Defended(hook=True)).step(x).equal(quantised(x))


@pytest.mark.parametrize(("spec", "quality"), [(None, None), (JPEG, 30)])
def test_logits_are_those_of_the_honest_defence_and_gradients_those_at_the_changed_input(
    spec: str | None, quality: int | None
) -> None:
    x, goal = batch(), Goal(torch.arange(3))
    model = defended(inner(), None if spec is None else parse(spec))
    honest = in_8_bits(x, quality)
    assert not torch.allclose(honest, x, atol=1e-4)
    torch.testing.assert_close(model.logits(x), inner().logits(honest), rtol=1e-6, atol=1e-6)
    logits, _, gradient = value_and_gradient(model, margin, x, goal)
    torch.testing.assert_close(logits, model.logits(x), rtol=1e-6, atol=1e-6)
    _, _, expected = value_and_gradient(inner(), margin, honest, goal)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-7)
    assert Need.GRADIENT in model.gives


def test_a_severity_is_a_strength_of_the_frame() -> None:
    model = defended(inner(), parse("jpeg_compression(severity=5)"))
    torch.testing.assert_close(model.logits(batch()), inner().logits(in_8_bits(batch(), 40)))


def test_its_identity_covers_model_and_defence() -> None:
    other = wrap(seeded(Plain(), 1), size=16, name="other")
    specs: list[Spec | None] = [None, parse(JPEG), parse("jpeg_compression(quality=31)")]
    specs.append(parse("brightness(severity=1)"))
    ids = {defended(model, spec).id for model in (inner(), other) for spec in specs}
    assert len(ids) == 8
    assert defended(inner(), parse(JPEG)).id == defended(inner(), parse(JPEG)).id
    assert defended(inner(), parse(JPEG)).id.startswith("bpda/jpeg_compression@")


def test_it_is_loaded_from_its_text(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(
        "import torch\n\ndef net(classes=4):\n    return torch.nn.Sequential("
        "torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, classes))\n"
    )
    model = rw.load(f"bpda( torch:{nets}:net(size=16), jpeg_compression( quality = 30 ), crop=1)")
    assert isinstance(model, Fronted)
    assert model.spec == repr(model)
    assert model.spec.startswith(f"bpda(torch:{nets}:net(size=16), stress={JPEG}")
    assert rw.load(model.spec).id == model.id
    assert (model.classes, model.pipeline.size) == (Classes(4), (16, 16))
    plain = rw.load(f"bpda(torch:{nets}:net(size=16))")
    assert str(plain) == f"bpda(torch:{nets}:net(size=16))"
    twice = rw.load(f"bpda({plain}, {JPEG})")
    x = batch()
    torch.testing.assert_close(twice.logits(x), model.logits(x))
    assert twice.id != model.id
    halved = in_precision(model, "bf16")
    assert halved.members[0].precision == "bf16"  # type: ignore[attr-defined]


def test_a_run_judges_the_honest_defence_and_attacks_through_it(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=3)}"
    model = defended(colour_net(), parse(JPEG))
    run = rw.evaluate(model, data, ["clean", "pgd(eps=32/255, steps=3)"], out=tmp_path / "out")
    rows = run.rows().filter(pl.col("stress").str.starts_with("pgd"), pl.col("status") == "ok")
    assert len(rows) >= 5
    assert (rows["linf"] > 30 / 255).all()
    assert (rows["backwards"] == 3).all()
    assert rows["success"].sum() >= 1


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("jpeg_compression", r"has 5 variants; choose one, for example .*\(severity=1\)"),
        ("jpeg_compression(severity=[1, 2])", "has 2 variants"),
        ("gaussian_noise(severity=1)", r"draws random numbers; .*eot\(torch:"),
        ("jpeg(quality=10)", "does not change the frame that the model sees"),
        ("resizer(resize=opencv-nearest)", "does not change the frame"),
        ("translate(frames=3)", "does not change the frame"),
        ("pgd(eps=1/255)", "does not change the frame"),
        ("precision(dtype=bf16)", "does not change the frame"),
        ("jpeg_compression(quality=10, frame=imagenet)", "does not change the frame"),
        ("jpeg_compresion(quality=10)", "jpeg_compression"),
    ],
)
def test_other_stresses_are_refused(spec: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        defended(inner(), parse(spec))


def test_a_defence_that_is_in_the_way_of_its_input_says_so() -> None:
    model = defended(inner(), parse(JPEG))
    with pytest.raises(RoadworthyError, match="float tensor"):
        model.logits(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    assert model.logits(batch()[:0]).shape == (0, CLASSES)
