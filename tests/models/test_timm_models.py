from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image as PillowImage
from timm.data.transforms_factory import create_transform
from torch import Tensor, nn

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models import from_timm
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.load import load
from roadworthy.pipeline.base import framed, resized
from roadworthy.pipeline.probe import pattern

SMALL = "timm/mobilenetv3_small_050"


class Tiny(nn.Module):
    """Stands for a timm network with any card."""

    def __init__(self, card: dict[str, Any], outputs: int) -> None:
        super().__init__()
        self.pretrained_cfg = card
        self.num_classes = outputs
        self.weight = nn.Parameter(torch.ones(3, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) @ self.weight


CARD = {
    "input_size": (3, 48, 64),
    "interpolation": "lanczos",
    "crop_pct": 0.9,
    "crop_mode": "center",
    "mean": (0.1, 0.2, 0.3),
    "std": (0.4, 0.5, 0.6),
    "tag": "augreg_in21k_ft_in1k",
}


def tiny(
    monkeypatch: pytest.MonkeyPatch, outputs: int = 1000, **changes: object
) -> TorchClassifier:
    module = Tiny({**CARD, **changes}, outputs)
    monkeypatch.setattr(from_timm, "_create", lambda *_: module)
    model = load("timm/resnet18(pretrained=true)")
    assert isinstance(model, TorchClassifier)
    return model


def test_the_pipeline_is_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(monkeypatch)
    p = model.pipeline
    assert (p.size, p.resize, p.crop, p.geometry) == ((48, 64), "pillow-lanczos", 0.9, "crop")
    assert (model.mean, model.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert tiny(monkeypatch, crop_mode="squash").pipeline.geometry == "squash"
    assert tiny(monkeypatch, interpolation="random").pipeline.resize == "pillow-bilinear"


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("crop_pct", [0.9, 1.0])
def test_frames_are_timms_own_in_every_crop_mode(
    monkeypatch: pytest.MonkeyPatch, mode: str, crop_pct: float
) -> None:
    size = (3, 64, 64)
    card: dict[str, Any] = {"crop_mode": mode, "crop_pct": crop_pct, "input_size": size}
    pipeline = tiny(monkeypatch, **card).pipeline
    made = create_transform(
        input_size=size,
        interpolation="lanczos",
        mean=CARD["mean"],
        std=CARD["std"],
        crop_pct=crop_pct,
        crop_mode=mode,
        normalize=False,
    )
    for shape in ((90, 121), (121, 90), (40, 300)):
        image = pattern(*shape)
        theirs = made(PillowImage.fromarray(image)).permute(1, 2, 0).numpy()
        assert np.array_equal(framed(resized(image, pipeline), pipeline), theirs)


def test_facts_come_from_the_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tiny(monkeypatch).metadata
    assert (facts.training, facts.pretraining) == ("augreg_in21k_ft_in1k", "in21k")
    facts = tiny(monkeypatch, tag="a1_in1k").metadata
    assert (facts.training, facts.pretraining) == ("a1_in1k", None)


@pytest.mark.parametrize(("outputs", "offset"), [(1000, 0), (1001, 1)])
def test_a_thousand_classes_are_imagenets(
    outputs: int, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = tiny(monkeypatch, outputs).classes
    assert (classes.count, classes.offset) == (1000, offset)
    assert classes.wnids is not None
    assert classes.names is not None
    assert classes.wnids[0] == "n01440764"
    assert classes.names[0].startswith("tench")
    assert classes.names[999].startswith("toilet tissue")


def test_another_number_of_classes_has_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = tiny(monkeypatch, 10).classes
    assert (classes.count, classes.names, classes.wnids) == (10, None, None)


def test_networks_of_other_channels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="takes 1 channels; only RGB is supported"):
        tiny(monkeypatch, input_size=(1, 28, 28), mean=(0.1,), std=(0.3,))


def test_random_weights_are_always_the_same_and_marked() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    model = load(f"{SMALL}(size=32)")
    assert torch.equal(torch.rand(2), expected)
    assert isinstance(model, TorchClassifier)
    assert model.metadata.training == "untrained (random weights)"
    assert model.metadata.family == "mobilenetv3"
    assert "random weights; give checkpoint=FILE or pretrained=true" in model.notes[0]
    assert load(f"{SMALL}(size=32)").id == model.id


def test_a_checkpoint_is_loaded(tmp_path: Path) -> None:
    module = timm.create_model("mobilenetv3_small_050", num_classes=5).eval()
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.01)
    torch.save({"state_dict": module.state_dict()}, tmp_path / "r.pt")
    model = load(f"{SMALL}(checkpoint={tmp_path / 'r.pt'}, classes=5, size=32)")
    assert isinstance(model, TorchClassifier)
    x = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor(model.mean), torch.tensor(model.std)
    z = (x - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(model.logits(x), module(z), rtol=1e-3, atol=1e-3)
    assert model.classes.count == 5
    assert model.metadata.training is None
    assert model.notes == ()
    with pytest.raises(
        UsageError, match=r"classifier.weight \(file \(5, 1024\), network \(1000, 1"
    ):
        load(f"{SMALL}(checkpoint={tmp_path / 'r.pt'})")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timm/resnt18", "has no network 'resnt18'; did you mean 'resnet18'?"),
        (
            "timm/resnet18.a1_in2k",
            "no weights tagged 'a1_in2k'; did you mean 'a1_in1k'? (it has a1",
        ),
        (
            "timm/resnet18(pretrained=true, checkpoint=r.pt)",
            "give either checkpoint= or pretrained",
        ),
        ("timm/resnet18(checkpoint=nowhere.pt)", "there is no checkpoint 'nowhere.pt'"),
        ("timm/resnet18(classes=0)", "classes is the number of outputs, 1 or more, not 0"),
        ("timm/resnet18(sise=64)", "did you mean 'size'"),
    ],
)
def test_requests_that_timm_cannot_meet(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text)
    assert message in str(caught.value)


def test_a_frame_that_the_network_cannot_take() -> None:
    with pytest.raises(RoadworthyError, match=r"does not run on a frame of 96x96: .*\(224\)"):
        load("timm/vit_tiny_patch16_224(size=96)")


def test_without_a_network_connection_a_download_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*_: object, **__: object) -> object:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setattr(socket.socket, "connect", offline)
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(RoadworthyError) as caught:
        load("timm/resnet18(pretrained=true)")
    assert "published weights could not be fetched" in str(caught.value)
    assert "Network is unreachable" in str(caught.value)
    assert "checkpoint=FILE" in str(caught.value)
