from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_networks import Means

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.base import MODELS
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.load import load
from roadworthy.types import Metadata

NETS = """
import torch
from torch import nn

STARTED = "not a factory"

class Means(nn.Module):
    def __init__(self, classes=3, scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(3.0 * classes).reshape(classes, 3) * scale)

    def forward(self, x):
        return x.mean(dim=(2, 3)) @ self.weight.T

def means(classes=3, *, scale=1.0):
    return Means(classes, scale)

def drawn():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4))

def needs(width):
    return Means(width)

def anything(**options):
    return Means(len(options))

def no_module():
    return 3

def fails():
    table = {}
    return table["missing"]

def leaves():
    raise SystemExit(0)

class Strange(Means):
    def forward(self, x):
        raise ValueError("a strange frame")

strange = Strange
ready = Means(5)
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


def torch_model(text: str) -> TorchClassifier:
    model = load(text)
    assert isinstance(model, TorchClassifier)
    return model


def test_a_factory_gets_its_arguments(nets: Path) -> None:
    model = torch_model(f"torch:{nets}:means(classes=4, scale=1/2, size=(8, 12))")
    assert model.classes.count == 4
    x = torch.rand(2, 3, 8, 12)
    torch.testing.assert_close(model.logits(x), x.mean(dim=(2, 3)) @ Means(4).weight.T * 0.5)
    assert model.id.startswith("torch/means@")
    assert model.pipeline.size == (8, 12)


@pytest.mark.parametrize(("name", "count"), [("ready", 5), ("Means", 3), ("anything(a=1, b=2)", 2)])
def test_instances_classes_and_open_factories_will_do(nets: Path, name: str, count: int) -> None:
    assert load(f"torch:{nets}:{name}").classes.count == count


@pytest.mark.parametrize(
    ("given", "mean", "std"),
    [
        ("", (0, 0, 0), (1, 1, 1)),
        ("mean=none, std=none", (0, 0, 0), (1, 1, 1)),
        ("mean=half, std=half", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("mean=imagenet, std=imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("mean=(0.1, 1/5, 0), std=(1, 0.5, 1/4)", (0.1, 0.2, 0), (1, 0.5, 0.25)),
    ],
)
def test_statistics_by_word_and_number(nets: Path, given: str, mean: Any, std: Any) -> None:
    model = torch_model(f"torch:{nets}:means({given})")
    assert model.mean == mean
    assert model.std == std
    x = torch.rand(2, 3, 8, 8)
    z = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    torch.testing.assert_close(model.logits(x), Means()(z))


@pytest.mark.parametrize(
    ("options", "crop"),
    [
        ("size=32", 1.0),
        ("size=127", 1.0),
        ("size=128", 0.875),
        ("size=160, crop=0.9", 0.9),
        ("", 1),
    ],
)
def test_the_crop_follows_the_frame_unless_given(nets: Path, options: str, crop: float) -> None:
    assert load(f"torch:{nets}:means({options})").pipeline.crop == crop


def test_options_reach_pipeline_and_metadata(nets: Path) -> None:
    model = torch_model(
        f"torch:{nets}:means(size=64, resize=opencv-linear, geometry=squash, decoder=opencv, "
        "orient=exif, profile=srgb, yuv=nv12-bt601-full, light=linear, colour=bgr, "
        "family=mine, training=madry, pretraining=in21k)"
    )
    p = model.pipeline
    assert (p.resize, p.geometry, p.decoder, p.orient) == (
        "opencv-linear",
        "squash",
        "opencv",
        "exif",
    )
    assert (p.profile, p.yuv, p.light, p.colour) == ("srgb", "nv12-bt601-full", "linear", "bgr")
    assert model.metadata == Metadata("mine", "madry", "in21k", 9)


def test_the_text_is_canonical_and_loads_the_same(nets: Path) -> None:
    model = torch_model(
        f"torch:{nets}:means( size = 32,mean=half,scale=0.5,std=half,checkpoint=none)"
    )
    assert repr(model) == model.spec
    assert model.spec == f"torch:{nets}:means(mean=half, std=half, size=32, scale=0.5)"
    assert torch_model(model.spec).id == model.id


def test_a_factory_that_draws_weights_draws_the_same_and_leaves_randomness_alone(
    nets: Path,
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = load(f"torch:{nets}:drawn")
    assert torch.equal(torch.rand(3), expected)
    assert load(f"torch:{nets}:drawn").id == first.id


def test_modules_beside_the_file_can_be_imported_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "beside_nets_layers.py").write_text("CLASSES = 6\n")
    (tmp_path / "nets.py").write_text(
        NETS + "\nfrom beside_nets_layers import CLASSES\n\ndef six():\n    return Means(CLASSES)\n"
    )
    path, quiet = list(sys.path), sys.dont_write_bytecode
    assert load(f"torch:{tmp_path / 'nets.py'}:six").classes.count == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beside_nets_layers.py", "nets.py"]
    assert (sys.path, sys.dont_write_bytecode) == (path, quiet)


def test_modules_beside_the_file_hide_no_installed_one(tmp_path: Path) -> None:
    (tmp_path / "this.py").write_text("raise RuntimeError('hides the standard library')\n")
    (tmp_path / "nets.py").write_text(NETS + "\ndef zen():\n    import this\n    return Means()\n")
    sys.modules.pop("this", None)
    assert load(f"torch:{tmp_path / 'nets.py'}:zen").classes.count == 3


def test_a_file_may_be_called_like_an_installed_module(tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text(NETS)
    before = sys.modules.get("timm")
    assert load(f"torch:{tmp_path / 'timm.py'}:means").classes.count == 3
    assert sys.modules.get("timm") is before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{}:maens",
            "nets.py' defines no 'maens'; did you mean 'means'? (it has Means, Strange, any",
        ),
        ("{}:STARTED", "defines no 'STARTED'"),
        ("{}:means(clases=3)", "'means' takes no 'clases'; did you mean 'classes'? (a model "),
        ("{}:needs", "'needs' needs width: give width=… in the spec"),
        ("{}:means(mean=imagent)", "did you mean 'imagenet'"),
        ("{}:means(mean=(0.5, 0.5))", "mean=(0.5, 0.5)"),
        ("{}:means(mean=(123.7, 116.3, 103.5))", "in units of [0, 1], not of 0..255"),
        ("{}:means(std=(0.5, 0, 0.5))", "std must be positive in every channel"),
        ("{}:means(resize=pillow-bilinea)", "did you mean 'pillow-bilinear'"),
        ("{}:means(geometry=squish)", "did you mean 'squash'"),
        ("{}:means(crop=1.5)", "crop is the fraction"),
        ("{}:means(size=0)", "size is the frame in pixels, one number or (height, width)"),
        ("{}", "expected torch:FILE.py:FACTORY"),
        ("nowhere/nets.py:means", "there is no file 'nowhere/nets.py'"),
        ("{}x:means", "is not a Python file; expected torch:FILE.py:FACTORY"),
    ],
)
def test_requests_that_cannot_be_met(nets: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load("torch:" + text.format(nets))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}:no_module", "returned int, expected a torch.nn.Module"),
        ("{}:fails", "nets.py:32: KeyError: 'missing'"),
        ("{}:leaves", "nets.py:35: SystemExit: 0"),
        (
            "{}:strange(size=16)",
            "does not run on a frame of 16x16: {}:39: ValueError: a strange fr",
        ),
    ],
)
def test_what_user_code_does_wrong_is_one_line(nets: Path, text: str, message: str) -> None:
    with pytest.raises(RoadworthyError) as caught:
        load("torch:" + text.format(nets))
    assert message.format(nets) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, UsageError)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import torch\ndef f(:\n", "broken.py:2: SyntaxError"),
        (
            "import torch\nimport not_a_module_at_all\n",
            "broken.py:2: ModuleNotFoundError: No module",
        ),
        ("raise SystemExit('bye')", "broken.py:1: SystemExit: bye"),
    ],
)
def test_a_file_that_does_not_run(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(RoadworthyError) as caught:
        load(f"torch:{tmp_path / 'broken.py'}:f")
    assert message in str(caught.value)
    assert not [
        name
        for name in sys.modules
        if name.startswith("_roadworthy_user_")
        and getattr(sys.modules[name], "__file__", "") == str(tmp_path / "broken.py")
    ]


def test_a_classifier_is_returned_as_it_is(nets: Path) -> None:
    model = load(f"torch:{nets}:means")
    assert load(model) is model


def test_other_objects_are_explained() -> None:
    with pytest.raises(UsageError, match=r"not by Means; .*roadworthy\.wrap\(module"):
        load(Means())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tim/resnet18", "no model is called 'tim'; did you mean 'timm'?"),
        ("timm", "model 'timm': expected timm/NAME"),
        ("timm:resnet18", "expected timm/NAME"),
        ("ensemble/x(timm/resnet18)", "expected ensemble(…)"),
        ("torch", "expected torch:FILE.py:FACTORY"),
        ("demo/efficientnet_lite", "did you mean 'efficientnet_lite0'?"),
    ],
)
def test_names_that_lead_nowhere(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text)
    assert message in str(caught.value)


def test_an_absent_device_is_a_usage_error(nets: Path) -> None:
    with pytest.raises(UsageError, match="there is no device 'cuda:77' here"):
        load(f"torch:{nets}:means", device="cuda:77")


def test_the_registry_and_the_loader_import_no_torch() -> None:
    code = (
        "import sys; from roadworthy.models.base import MODELS; import roadworthy.models.load;"
        "[MODELS.get(n) for n in MODELS]; sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_provider_is_described() -> None:
    assert set(MODELS) >= {"timm", "torch", "demo", "ensemble"}
    for name in MODELS:
        assert MODELS.summary(name).endswith(".")
        assert "Raises" in MODELS.get(name).doc


def test_torch_missing_names_the_extra(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.delitem(sys.modules, "roadworthy.models.from_timm", raising=False)
    monkeypatch.delattr("roadworthy.models.from_timm", raising=False)
    with pytest.raises(UsageError, match=r"needs timm: pip install 'roadworthy\[torch\]'"):
        rw.load("timm/resnet18")
