"""Models made from others: a wrapped module, an ensemble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_networks import Means, Plain, seeded
from torch import Tensor

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.combine import Ensemble, combined
from roadworthy.models.load import load
from roadworthy.models.wrap import wrap
from roadworthy.types import Classes, Metadata, Need

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 0.2)


def batch(size: int = 16) -> Tensor:
    return torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(4))


def test_the_users_module_is_left_as_it_is() -> None:
    module = seeded(Plain()).train()
    module.get_submodule("bn2").eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    model = rw.wrap(module, mean=MEAN, std=STD, size=16)
    model.logits(batch())
    assert module.training
    assert not module.get_submodule("bn2").training
    assert all(p.requires_grad for p in module.parameters())
    assert list(module.state_dict()) == list(before)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    z = (batch() - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(model.logits(batch()), module.eval()(z), rtol=1e-4, atol=1e-4)


def test_what_is_said_of_a_wrapped_module_is_kept() -> None:
    model = wrap(
        Means(2),
        mean="half",
        std="half",
        name="mine",
        classes=Classes(2, ("cat", "dog")),
        family="cnn",
        resize="opencv-area",
        size=(8, 12),
    )
    assert model.spec == "mine"
    assert model.id.startswith("wrap/mine@")
    assert model.classes == Classes(2, ("cat", "dog"))
    assert model.metadata == Metadata(family="cnn", parameters=6)
    assert model.mean == model.std == (0.5, 0.5, 0.5)
    assert (model.pipeline.size, model.pipeline.resize) == ((8, 12), "opencv-area")


def test_two_nameless_modules_are_told_apart() -> None:
    assert wrap(Means(2)).spec != wrap(Means(3)).spec
    assert wrap(Means(2)).spec == wrap(Means(2)).spec


def test_wrong_uses_of_wrap_are_explained() -> None:
    with pytest.raises(UsageError, match=r"takes a torch\.nn\.Module, not str"):
        wrap("resnet18")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="takes no 'rezise'; did you mean 'resize'"):
        wrap(Means(), rezise="opencv-area")
    with pytest.raises(UsageError, match=r"mean is one number for each of the 3 channels, not 0.5"):
        wrap(Means(), mean=0.5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no resizer is called"):
        wrap(Means(), resize="opencv-aera")
    module = Means()
    module.cache = module.weight * 2
    with pytest.raises(RoadworthyError, match=r"Means cannot be copied .*leaves, outside of any"):
        wrap(module)


@pytest.mark.parametrize("rule", ["logits", "probabilities"])
def test_an_ensemble_averages_what_its_rule_says(rule: str) -> None:
    a, b = wrap(seeded(Plain(), 1), size=16), wrap(seeded(Plain(), 2), size=12, mean="half")
    both = combined((a, b), "logits" if rule == "logits" else "probabilities")
    x = batch(20)
    if rule == "logits":
        expected = (a.logits(x) + b.logits(x)) / 2
    else:
        expected = torch.log((a.logits(x).softmax(1) + b.logits(x).softmax(1)) / 2)
    torch.testing.assert_close(both.logits(x), expected, rtol=1e-4, atol=1e-5)
    assert both.pipeline.size == (16, 16)


def test_probabilities_too_small_for_float32_do_not_become_minus_infinity() -> None:
    model = wrap(Means(3))
    large = combined((model, model), "probabilities").logits(torch.full((1, 3, 4, 4), 100.0))
    assert large.isfinite().all()


def test_the_identity_of_an_ensemble_covers_members_order_and_rule() -> None:
    a, b = wrap(Means(3)), wrap(seeded(Means(3)))
    ids = {
        combined(members, rule).id
        for members in ((a, b), (b, a), (a, a), (a,))
        for rule in ("logits", "probabilities")
    }
    assert len(ids) == 8


def test_an_ensemble_gives_what_all_members_give() -> None:
    a = wrap(Means(3))
    blind = replace(a, gives=frozenset({Need.LOGITS, Need.LABELS}))
    assert combined((a, blind), "logits").gives == {Need.LOGITS, Need.LABELS}
    assert combined((a, a), "logits").gives == a.gives


def test_members_must_know_the_same_classes() -> None:
    a = wrap(Means(3), name="a", classes=Classes(3, wnids=("n1", "n2", "n3")))
    b = wrap(Means(3), name="b", classes=Classes(3, wnids=("n1", "n3", "n2")))
    with pytest.raises(UsageError, match=r"wrap/a@\w+ has 3 outputs, wrap/b@\w+ has 3 of other"):
        combined((a, b), "logits")
    named, other, spelt = (
        wrap(Means(3), name="c", classes=Classes(3, names))
        for names in (("cat", "dog", "owl"), ("dog", "cat", "owl"), ("Cat", "Dog", "Owl"))
    )
    with pytest.raises(UsageError, match="has 3 of other meaning"):
        combined((named, other), "logits")
    combined((named, spelt), "logits")
    with pytest.raises(UsageError, match=r"must have the same classes: .* 3 outputs, .* has 4"):
        combined((a, wrap(Means(4))), "logits")
    with pytest.raises(UsageError, match="an ensemble needs models"):
        combined((), "logits")


def test_an_ensemble_is_loaded_from_its_text(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(
        "import torch\n\ndef net(classes=3):\n"
        "    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), "
        "torch.nn.Linear(3, classes))\n"
    )
    model = load(
        f"ensemble(torch:{nets}:net( size=8), torch:{nets}:net(mean=half,std=none), "
        "combine=probabilities, family=pair, resize=opencv-area)"
    )
    assert isinstance(model, Ensemble)
    assert (
        model.spec
        == repr(model)
        == (
            f"ensemble(torch:{nets}:net(size=8), torch:{nets}:net(mean=half), "
            "combine=probabilities, resize=opencv-area, family=pair)"
        )
    )
    assert model.metadata == Metadata(family="pair", parameters=24)
    assert (model.pipeline.size, model.pipeline.resize) == ((8, 8), "opencv-area")
    assert load(model.spec).id == model.id
    assert len(model.notes) == 2
    with pytest.raises(UsageError, match="same classes"):
        load(f"ensemble(torch:{nets}:net, torch:{nets}:net(classes=4))")
