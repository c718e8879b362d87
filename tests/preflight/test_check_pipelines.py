"""The command line of the preflight: what it prints, what it returns, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli import main
from roadworthy.preflight import api
from roadworthy.preflight.printed import printed
from roadworthy.preflight.report import Preflight

DEPLOY = """
import io

import numpy as np
from PIL import Image


def preprocess(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    pixels = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))[:, :, ::-1]
    return ((pixels / 255 - 0.5) / 0.5).astype(np.float32).transpose(2, 0, 1)


def fickle(data):
    return preprocess(data) + np.float32(np.random.random())


unfinished = None
"""
NETWORK = """
import torch


class Mean(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(8.0))

    def forward(self, x):
        return self.scale * x.mean((2, 3))


def network():
    return Mean()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    from PIL import Image

    place = tmp_path_factory.mktemp("preflight")
    (place / "deploy.py").write_text(DEPLOY)
    (place / "network.py").write_text(NETWORK)
    for label, colour in enumerate(((200, 40, 40), (40, 200, 40), (40, 40, 200))):
        (place / "data" / str(label)).mkdir(parents=True)
        for number in range(12):
            shade = tuple(min(255, c + 3 * number) for c in colour)
            Image.new("RGB", (40, 40), shade).save(place / "data" / str(label) / f"{number}.png")
    return place


def called(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["check", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, out, err


def widest(out: str) -> int:
    """Return the length of the longest line that holds no path."""
    return max(len(line) for line in out.splitlines() if ".py" not in line)


def model(folder: Path) -> tuple[str, ...]:
    network = f"torch:{folder}/network.py:network(size=32, mean=half, std=half, geometry=squash)"
    return ("-m", network, "-d", f"imagefolder:{folder}/data")


def test_a_pipeline_alone_is_identified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called("--deployment", f"python:{folder}/deploy.py:preprocess", capsys=capsys)
    assert code == 0
    assert "resize         pillow-bilinear" in out
    assert "geometry=squash" in out
    assert "colour=bgr" in out
    assert "libjpeg" in out
    assert widest(out) <= 100


def test_json_has_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = f"python:{folder}/deploy.py:preprocess"
    code, out, _ = called("--deployment", spec, "--json", capsys=capsys)
    found = json.loads(out)
    assert (code, found["passed"]) == (0, True)
    parts = found["deployment"]["components"]
    assert {p: parts[p]["name"] for p in ("colour", "size", "geometry", "resize")} == {
        "colour": "bgr",
        "size": "32x32",
        "geometry": "squash",
        "resize": "pillow-bilinear",
    }
    assert found["manifest"]["pillow"]


def test_a_fault_of_the_pipeline_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called("--deployment", f"python:{folder}/deploy.py:fickle", capsys=capsys)
    assert code == 4
    assert "answers change from call to call" in out


def test_a_drop_beyond_the_limit_fails_and_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"python:{folder}/deploy.py:preprocess"
    code, out, _ = called(*model(folder), "--deployment", spec, "--max-drop", "1", capsys=capsys)
    assert code == 4
    assert "first to diverge: colour" in out
    assert "colour: rgb -> bgr" in out
    assert "failed: the deployment itself: drop 66.67 points" in out
    assert "COLOR_BGR2RGB" in out
    assert widest(out) <= 100


def test_the_card_itself_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = "pipeline(size=32, geometry=squash)"
    code, out, _ = called(*model(folder), "--deployment", same, "--max-drop", "0", capsys=capsys)
    assert code == 0, out
    assert "no stage diverges" in out
    assert "passed: all factors: drop 0.00 points" in out


def test_so_few_images_leave_it_open(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = "pipeline(size=32, geometry=squash, colour=grey)"
    arguments = ("--deployment", near, "--max-drop", "60", "--limit", "9")
    code, out, _ = called(*model(folder), *arguments, capsys=capsys)
    assert code == 5
    assert "images would decide" in out


def test_two_pipelines_are_compared_without_a_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = f"python:{folder}/deploy.py:preprocess"
    other = "pipeline(size=32, geometry=squash, mean=half, std=half)"
    code, out, _ = called("--deployment", spec, "--training", other, capsys=capsys)
    assert code == 0
    assert "first to diverge: " in out
    assert "what to do:" in out
    assert "what it costs" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give -m MODEL and -d DATA, or --deployment PIPELINE"),
        (("-m", "demo/efficientnet_lite0"), "give both, -m MODEL and -d DATA"),
        (("--training", "pipeline(size=32)"), "give --deployment as well"),
        (("--max-drop", "1"), "with --deployment PIPELINE or --against OTHER"),
        (
            ("-m", "m", "-d", "d", "--max-drop", "1"),
            "with --deployment PIPELINE or --against OTHER",
        ),
        (("-m", "m", "-d", "d", "--unlabelled", "--limit", "0"), "limit must be at least 1"),
        (("-m", "m", "-d", "d", "--against", "n", "--limit", "-3"), "limit must be at least 1"),
        (("-d", "demo/photos", "--deployment", "pipeline(size=32)"), "give -m MODEL as well"),
        (("--deployment", "pipeline(size=32)", "--max-drop", "1"), "with a model on data"),
        (("--deployment", "pipelin(size=32)"), "did you mean 'pipeline'"),
        (("--deployment", "pipeline(size=32, resize=pillow-bilinea)"), "did you mean"),
        (("--deployment", "pipeline(size=32, colur=bgr)"), "did you mean 'colour'"),
        (("--deployment", "pipeline(size=32, mean=half)"), "give mean and std together"),
        (("--deployment", "python:nowhere.py:f"), "there is no Python file"),
        (("--deployment", "python:deploy.py"), "expected python:FILE.py:FUNCTION"),
        (("--deployment", "python/deploy"), "expected python:FILE.py:FUNCTION"),
        (("--deployment", "timm/resnet5"), "did you mean 'resnet50'"),
        (("--deployment", "torchvision/resnet51"), "did you mean"),
        (("--deployment", "torchvision/resnet50(weights=V9)"), "has no weights 'V9'"),
        (("--deployment", "huggingface:."), "has no preprocessor_config.json"),
        (("--deployment", "dump:nowhere"), "is no folder"),
    ],
)
def test_what_cannot_run_ends_in_exit_code_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = called(*arguments, capsys=capsys)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_names_in_a_file_that_do_not_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called("--deployment", f"python:{folder}/deploy.py:preproces", capsys=capsys)
    assert code == 2
    assert "did you mean 'preprocess'" in err


def test_probes_are_written_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = called("--write-probes", str(tmp_path / "probes"), capsys=capsys)
    assert code == 0
    assert "NAME.npy" in out
    assert (tmp_path / "probes" / "probes.json").is_file()


def test_a_processor_of_hugging_face_from_its_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    transformers.ViTImageProcessorPil(size={"height": 48, "width": 48}).save_pretrained(tmp_path)
    for place in (tmp_path, tmp_path / "preprocessor_config.json"):
        found = api.identify(f"huggingface:{place}(backend=pil)")
        assert found["geometry"].name == "squash"
        assert found["size"].name == "48x48"
        assert found["resize"].name == "pillow-bilinear"
        assert found["normalisation"].name == "half"


def test_cards_of_libraries_by_name() -> None:
    pytest.importorskip("torchvision")
    found: dict[str, Any] = {
        n: api.identify(n) for n in ("timm/resnet50.a1_in1k", "torchvision/resnet50")
    }
    assert found["timm/resnet50.a1_in1k"]["geometry"].name == "crop(resize_to=235)"
    assert found["torchvision/resnet50"]["geometry"].name == "crop(resize_to=256)"
    assert {f["normalisation"].name for f in found.values()} == {"imagenet"}


@pytest.mark.shared
@pytest.mark.demo
@pytest.mark.slow
def test_a_broken_deployment_of_a_real_network(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import cv2, numpy as np\n"
        "def preprocess(data):\n"
        "    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)\n"
        "    image = cv2.resize(image, (224, 224))\n"
        "    return ((image / 255 - 0.5) / 0.5).astype(np.float32).transpose(2, 0, 1)[None]\n"
    )
    found = api.check(
        "demo/efficientnet_lite0",
        f"csv:{shared}/data/imagenet_sample/labels.csv",
        deployment=f"python:{tmp_path}/broken.py:preprocess",
        max_drop=1.0,
        limit=120,
    )
    assert isinstance(found, Preflight)
    print(printed(found))
    assert not found.deployment.unknown
    assert found.prices is not None
    rows = {row.name: row for row in found.prices.rows}
    assert rows["colour"].change == "rgb -> bgr"
    assert rows["resize"].change == "pillow-bicubic -> opencv-linear"
    assert rows["geometry"].change == "crop(resize_to=256) to 224x224 -> squash to 224x224"
    assert (rows["colour"].price.drop or 0) > 3
    assert all(rows[name].price.kl > 0.005 for name in ("colour", "resize", "geometry"))
    assert rows["unexplained"].price.flips == 0
    assert found.exit_code == 4
