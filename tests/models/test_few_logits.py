"""Models with one, two and three outputs: what they mean, and attacks on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
import torch
from engine_world import COLOURS, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.wrap import wrap
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import cross_entropy, dlr, margin
from roadworthy.types import Classes


class Colours(nn.Module):
    """Logits are means of colour channels; a single one is how much greener than red it is."""

    def __init__(self, outputs: int, form: str = "rows") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.conv.weight.data = 8.0 * torch.eye(3).view(3, 3, 1, 1)
        self.outputs, self.form = outputs, form

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        z: Tensor = self.norm(self.conv(x)).mean((2, 3))
        if self.outputs > 1:
            return z[:, : self.outputs]
        one = z[:, 1:2] - z[:, 0:1]
        if self.form == "dict":
            return {"logits": one}
        forms: dict[str, Tensor] = {"rows": one, "flat": one.squeeze(1), "bare": one.squeeze()}
        return forms[self.form]


def model(outputs: int, *, names: bool = True, form: str = "rows") -> TorchClassifier:
    count = max(outputs, 2)
    classes = Classes(count, COLOURS[:count]) if names else None
    return wrap(Colours(outputs, form), size=16, name=f"of{outputs}", classes=classes)


def batch(count: int = 5) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("form", ["rows", "flat", "bare", "dict"])
def test_softmax_of_the_two_logits_is_the_sigmoid_of_the_one(form: str) -> None:
    net, x = model(1, form=form), batch()
    z = Colours(1).eval()(x)
    logits = net.logits(x)
    assert (logits[:, 0] == 0).all()
    torch.testing.assert_close(logits[:, 1:], z, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits.softmax(1)[:, 1:], z.sigmoid(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.logits(x[:1]), logits[:1])
    assert net.logits(x[:0]).shape == (0, 2)


def test_one_output_is_two_classes_and_says_so() -> None:
    net = model(1, names=False)
    assert net.classes == Classes(2)
    assert any("logit of class 1" in note for note in net.notes)
    assert not model(2).notes
    assert not any(isinstance(part, nn.BatchNorm2d) for part in net.module.modules())
    with pytest.raises(UsageError, match="has 2 outputs, but its classes are 3"):
        wrap(Colours(1), size=16, classes=Classes(3))


def test_its_loss_and_gradient_are_those_of_binary_cross_entropy() -> None:
    net, x, labels = model(1), batch(), torch.tensor([0, 1, 1, 0, 1])
    _, value, gradient = value_and_gradient(net, cross_entropy, x, Goal(labels))
    z = x.clone().requires_grad_()
    out = Colours(1).eval()(z).squeeze(1)
    plain = nn.functional.binary_cross_entropy_with_logits(out, labels.float(), reduction="none")
    (expected,) = torch.autograd.grad(plain.sum(), z)
    torch.testing.assert_close(value, plain.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-7)


def test_losses_that_need_more_classes_are_the_margin() -> None:
    labels = torch.tensor([0, 1, 1, 0, 1])
    for outputs in (1, 2, 3):
        logits = model(outputs).logits(batch())
        for goal, same in (
            (Goal(labels), outputs < 3),
            (Goal(labels, 1 - labels), True),
        ):
            assert torch.equal(dlr(logits, goal), margin(logits, goal)) == same
            assert torch.equal(dlr(logits, goal).sign(), margin(logits, goal).sign())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return folders with pictures of two and of three colours."""
    three = write_pictures(tmp_path_factory.mktemp("few") / "three", each=4)
    two = shutil.copytree(three, three.parent / "two")
    shutil.rmtree(two / "blue")
    return {2: two, 3: three}


ATTACKS = ("none", "random", "second", "least")


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_attacks_with_every_target_rule_work(
    outputs: int, pictures: dict[int, Path], tmp_path: Path
) -> None:
    count = max(outputs, 2)
    specs = [f"pgd(eps=48/255, steps=4, loss=dlr, target={rule})" for rule in ATTACKS]
    run = rw.evaluate(model(outputs), f"imagefolder:{pictures[count]}", specs, out=tmp_path / "a")
    rows = run.rows().filter(pl.col("stress").str.starts_with("pgd"))
    assert rows["status"].is_in(["ok", "clean_error"]).all()
    for rule in ATTACKS:
        mine = rows.filter(
            pl.col("stress").str.contains(f"target={rule}")
            if rule != "none"
            else ~pl.col("stress").str.contains("target=")
        ).filter(pl.col("status") == "ok")
        assert len(mine) >= 4 * count - 2
        assert mine["success"].sum() >= 1, rule
        if rule != "none":
            assert (mine["target"] != mine["label"]).all()
            assert mine["target"].is_between(0, count - 1).all()
    if count == 2:
        targeted = rows.filter(pl.col("target").is_not_null(), pl.col("status") == "ok")
        assert (targeted["target"] == 1 - targeted["label"]).all()


def test_labels_beyond_the_two_classes_are_refused(
    pictures: dict[int, Path], tmp_path: Path
) -> None:
    for names in (True, False):
        with pytest.raises(UsageError, match="blue" if names else "3 classes"):
            rw.evaluate(
                model(1, names=names), f"imagefolder:{pictures[3]}", "clean", out=tmp_path / "out"
            )


def test_several_rows_for_an_image_are_still_refused() -> None:
    class Maps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(1)

    with pytest.raises(RoadworthyError, match=r"returned a tensor of shape \(2, 16, 16\)"):
        wrap(Maps(), size=16)
