from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

import roadworthy as rw
from roadworthy.catalogue import described, description, listing
from roadworthy.engine.options import Options
from roadworthy.errors import FetchError, UsageError
from roadworthy.evaluation import prepare
from roadworthy.models import from_torchvision
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.lists import expand, lists, member_of
from roadworthy.models.load import load

SMALLEST = "mobilenet_v1_050"
SURVEY = (
    "alexnet vgg16 vgg19 inception_v1 inception_v2 inception_v3 inception_v4 inception_resnet_v2 "
    "resnet_v2_50 resnet_v2_101 resnet_v2_152 mobilenet_v1_025 mobilenet_v1_050 mobilenet_v1_100 "
    "densenet121 densenet169 densenet161 nasnet_large"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with weights of the smallest member."""
    folder = tmp_path_factory.mktemp("weights")
    state = timm.create_model("mobilenetv2_050").state_dict()
    save_file({k: v.contiguous() for k, v in state.items()}, folder / f"{SMALLEST}.safetensors")
    return folder


def test_the_survey_has_its_18_networks_in_the_order_of_the_paper() -> None:
    assert [member.key for member in lists()["survey18"].members] == SURVEY.split()
    families = {member.family for member in lists()["survey18"].members}
    assert families == {"alexnet", "vgg", "inception", "resnet", "mobilenet", "densenet", "nasnet"}


def test_ares_bench_has_its_55_networks() -> None:
    members = lists()["ares55"].members
    assert len({member.key for member in members}) == 55
    groups = [member.group for member in members]
    assert {g: groups.count(g) for g in set(groups)} == {"normal": 24, "21k": 9, "at": 19, "ssl": 3}
    published = {m.key: m.top1 for m in members if m.group == "at" and m.top1 is not None}
    assert len(published) == 12 + 3  # the authors' own, and the XCiT of RobustBench
    assert published["swin_large_at"] == 79.7
    assert published["resnet50_at"] == 67.0


def test_members_whose_weights_cannot_be_fetched_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = load("timm/mobilenetv2_050")

    def fetching(model: str, *, device: str) -> object:
        if "vgg" in model:
            raise FetchError(f"{model}: no network")
        return small

    monkeypatch.setattr("roadworthy.models.load.load", fetching)
    Image.new("RGB", (32, 32)).save(tmp_path / "0.png")
    (tmp_path / "labels.csv").write_text("file,label\n0.png,0\n")
    data, options = f"csv:{tmp_path}/labels.csv", Options(limit=1)
    found = prepare("@survey18(only=(vgg16, alexnet))", data, "clean", options)
    assert [judge.model for judge in found.judges] == [small]
    (left_out,) = found.plan.unavailable
    assert (left_out.model, left_out.reason) == ("survey18/vgg16", "survey18/vgg16: no network")
    with pytest.raises(
        UsageError, match="weights of none of 2 models can be fetched; survey18/vgg16"
    ):
        prepare("@survey18(only=(vgg16, vgg19))", data, "clean", options)
    with pytest.raises(FetchError):  # asked for by its name
        prepare(["survey18/vgg16", "timm/other"], data, "clean", options)


@pytest.mark.parametrize("name", ["survey18", "ares55"])
def test_every_stand_in_exists_under_its_name(name: str) -> None:
    ours = set(timm.list_models(pretrained=True))
    theirs = set(from_torchvision.names())
    for member in lists()[name].members:
        if member.network is None:
            assert not member.pretrained
            assert member.why, member.key
            continue
        provider, _, network = member.network.partition("/")
        assert network in {"timm": ours, "torchvision": theirs}[provider], member.key
        assert member.pretrained or member.why, member.key


def test_published_accuracies_say_what_they_are_of() -> None:
    for chosen in lists().values():
        for member in chosen.members:
            assert (member.top1 is None) == (not member.top1_of), member.key
    without = {m.key for m in lists()["survey18"].members if m.top1 is None}
    # their figures are recalled, not read
    assert without == {"alexnet", "mobilenet_v1_025", "mobilenet_v1_050", "nasnet_large"}


def test_a_list_is_its_members_and_says_who_is_skipped() -> None:
    specs, skipped = expand(["demo/efficientnet_lite0", "@survey18"])
    assert specs[:3] == ["demo/efficientnet_lite0", "survey18/alexnet", "survey18/vgg16"]
    assert len(specs) == 17
    assert {one.model for one in skipped} == {"survey18/inception_v2", "survey18/mobilenet_v1_025"}
    assert "Inception-v2" in skipped[0].reason
    specs, skipped = expand(["@ares55"])
    assert len(specs) + len(skipped) == 55
    assert len(specs) == 30


def test_only_some_members_in_the_order_given() -> None:
    assert expand(["@survey18(only=(vgg19, alexnet))"])[0] == ["survey18/vgg19", "survey18/alexnet"]
    assert expand(["@survey18(only=vgg19)"])[0] == ["survey18/vgg19"]


def test_weights_of_ones_own_are_found_by_name(weights: Path) -> None:
    specs, skipped = expand([f"@survey18(weights={weights})"])
    path = weights / f"{SMALLEST}.safetensors"
    assert specs == [f"survey18/{SMALLEST}(checkpoint='{path}')"]
    assert len(skipped) == 17
    assert "no file vgg16" in next(s.reason for s in skipped if s.model == "survey18/vgg16")
    model = load(specs[0])
    assert isinstance(model, TorchClassifier)
    assert (model.metadata.family, model.metadata.training) == ("mobilenet", "normal")
    assert model.pipeline.crop == 1.0
    state = timm.create_model("mobilenetv2_050", checkpoint_path=str(path)).eval()
    x = torch.rand(2, 3, 224, 224)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (model.mean, model.std))
    with torch.no_grad():
        torch.testing.assert_close(model.logits(x), state((x - mean) / std), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@survey", "did you mean '@survey18'"),
        ("@survey18(only=vgg61)", "did you mean 'vgg1"),
        ("@survey18(only=inception_v2)", "nothing to judge; survey18/inception_v2: neither"),
        ("@survey18(weights=nowhere)", "not a folder"),
        ("@survey18(size=3)", "has no parameter 'size'"),
        ("@", "expected a name behind it (there is @ares55, @survey18)"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand([text])
    assert said in str(caught.value)


def test_what_is_wrong_with_a_member_is_said() -> None:
    with pytest.raises(UsageError, match="did you mean 'alexnet'"):
        load("survey18/alexnett")
    with pytest.raises(UsageError, match="give their file"):
        load("ares55/resnet50_at")
    with pytest.raises(UsageError, match="a list of models, which only"):
        load("@survey18(only=vgg16)")


def test_a_member_is_known_by_its_spec() -> None:
    member = member_of("ares55/resnet50_at(checkpoint='w.pth')")
    assert member is not None
    assert (member.architecture, member.group) == ("resnet50", "at")
    assert member_of("timm/resnet50") is None
    assert member_of("survey18/none") is None


def test_show_names_every_member_and_ls_the_lists() -> None:
    text = described(description("@survey18"))
    for key in SURVEY.split():
        assert f"survey18/{key} " in text
    assert text.count("skipped  ") == 2
    assert "16 of the 18" in text
    assert json.dumps(description("@ares55"))
    assert {"@survey18", "@ares55"} <= set(listing("models"))
    with pytest.raises(UsageError, match="@survey18"):
        description("@survey1")


def test_a_run_notes_who_was_skipped(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tench"
    folder.mkdir(parents=True)
    for i in range(2):
        Image.new("RGB", (32, 32), (80 * i, 90, 40)).save(folder / f"{i}.png")
    data = tmp_path / "labels.csv"
    data.write_text("file,label\ndata/tench/0.png,0\ndata/tench/1.png,0\n")
    run = rw.evaluate(f"@survey18(weights={weights})", f"csv:{data}", "clean", out=tmp_path / "out")
    entries = run.summary["unavailable"]
    assert len(entries) == 17
    assert {"survey18/alexnet", "survey18/nasnet_large"} <= {e["model"] for e in entries}
    assert {row["model"].partition("(")[0] for row in run.summary["rows"]} == {
        f"survey18/{SMALLEST}"
    }


def test_torchvision_networks_have_the_card_of_their_first_weights() -> None:
    model = load("torchvision/squeezenet1_1")
    assert isinstance(model, TorchClassifier)
    p = model.pipeline
    assert (p.size, p.resize_to, p.resize) == ((224, 224), 256, "pillow-bilinear")
    assert model.classes.wnids is not None
    assert model.classes.count == 1000
    assert "random weights" in model.notes[0]
    assert model.metadata.training == "untrained (random weights)"


def test_what_torchvision_has_not_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'alexnet'"):
        load("torchvision/alexnett")
    with pytest.raises(UsageError, match="no classifier 'fcn_resnet50'"):
        load("torchvision/fcn_resnet50")
    with pytest.raises(UsageError, match="not both"):
        load("torchvision/alexnet(checkpoint='w.pt', pretrained=true)")
