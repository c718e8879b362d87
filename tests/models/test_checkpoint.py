from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import Plain, seeded
from torch import Tensor, nn

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.keys import load_weights

State = dict[str, Tensor]


class Evil:
    """Pickled, it is a call that makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def state(seed: int = 5) -> State:
    return dict(seeded(Plain(), seed).state_dict())


def assert_loaded(path: Path) -> tuple[str, ...]:
    module = Plain()
    notes = load_weights(module, path)
    for name, tensor in state().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(module.state_dict()[name], tensor), name
    return notes


def prefixed(prefix: str) -> State:
    return {prefix + k: v for k, v in state().items()}


@pytest.mark.parametrize(
    "saved",
    [
        state(),
        OrderedDict(state()),
        {"state_dict": state(), "epoch": 3, "best": 0.5},
        {"model": state(), "optimizer": {"state": {}}, "lr": torch.tensor(0.1)},
        {"model_state_dict": state()},
        {"net": prefixed("module."), "acc": 93.1},
        {"ema": {"state_dict": state()}},
        prefixed("module."),
        prefixed("model."),
        prefixed("_orig_mod."),
        prefixed("backbone."),
        prefixed("module._orig_mod.model."),
        {k: v for k, v in state().items() if not k.endswith("num_batches_tracked")},
        {k: v.double() for k, v in state().items()},
    ],
)
def test_checkpoints_as_training_scripts_write_them(saved: Any, tmp_path: Path) -> None:
    torch.save(saved, tmp_path / "r.pt")
    assert assert_loaded(tmp_path / "r.pt") == ()


def test_safetensors_and_old_files_are_read(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "r.safetensors")
    assert_loaded(tmp_path / "r.safetensors")
    torch.save(state(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_loaded(tmp_path / "old.pth")


def test_a_prefix_that_the_network_has_itself_stays() -> None:
    module = nn.ModuleDict({"model": Plain()})
    target = module.state_dict()
    from roadworthy.models.keys import by_name

    given = {f"module.{k}": v for k, v in target.items()}
    fitted = by_name(given, target)
    assert fitted is not None
    assert set(fitted) == set(target)


def test_of_two_sets_of_weights_the_first_is_used_and_said(tmp_path: Path) -> None:
    torch.save({"ema": state(6), "state_dict": state()}, tmp_path / "r.pt")
    (note,) = assert_loaded(tmp_path / "r.pt")
    assert note == "r.pt: used the weights under 'state_dict'; it also has 'ema'"


def test_other_names_are_paired_by_order_shape_and_kind(tmp_path: Path) -> None:
    torch.save(
        {f"other.{i}.{k.rpartition('.')[2]}": v for i, (k, v) in enumerate(state().items())},
        tmp_path / "r.pt",
    )
    (note,) = assert_loaded(tmp_path / "r.pt")
    assert "tensor names differ" in note
    assert "'other.0.weight' -> 'conv1.weight'" in note


def _swapped() -> State:
    """Weight and bias of a norm, equal in shape, stand in the other order."""
    items = list(state().items())
    items[1], items[2] = items[2], items[1]
    return {f"other.{i}.{k.rpartition('.')[2]}": v for i, (k, v) in enumerate(items)}


def _contradicting() -> State:
    """Two norms of one shape with each other's names: the order says one thing, the names another."""
    return {
        ("a." if k.startswith("bn9") else "") + k.replace("bn9", "bn2"): v
        for k, v in state().items()
    } | {"x.bias": torch.zeros(3)}


@pytest.mark.parametrize(
    ("saved", "fragments"),
    [
        (
            _swapped(),
            ["tensors only in the file: other.0.weight", "only in the network: conv1.wei"],
        ),
        (_contradicting(), ["1 tensors only in the file: x.bias"]),
        (
            {k: v for k, v in state().items() if not k.startswith("head")},
            ["only in the network: head.weight, head.bias"],
        ),
        (
            {**state(), "head.weight": torch.zeros(10, 6), "head.bias": torch.zeros(10)},
            ["head.weight (file (10, 6), network (7, 6))", "head.bias (file (10,), network (7,))"],
        ),
        (
            {"module.a": torch.zeros(1), "epoch": 3},
            ["(1 tensors) does not fit the network (15 tens"],
        ),
    ],
)
def test_weights_that_do_not_fit_say_how(saved: Any, fragments: list[str], tmp_path: Path) -> None:
    torch.save(saved, tmp_path / "r.pt")
    module = seeded(Plain(), 1)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with pytest.raises(UsageError) as caught:
        load_weights(module, tmp_path / "r.pt")
    assert str(caught.value).startswith(f"checkpoint '{tmp_path / 'r.pt'}'")
    for fragment in fragments:
        assert fragment in str(caught.value)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())


def test_names_that_agree_are_believed_over_the_order(tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self, first: str, second: str) -> None:
            super().__init__()
            self.add_module(first, nn.Linear(2, 2))
            self.add_module(second, nn.Linear(2, 2))

    torch.save(Two("b", "c").state_dict(), tmp_path / "r.pt")
    with pytest.raises(UsageError, match="does not fit"):
        load_weights(Two("a", "b"), tmp_path / "r.pt")


def dump(what: Any) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(pickle.dumps(what))


def save(what: Any, *, zipped: bool) -> Callable[[Path], object]:
    return lambda path: torch.save(what, path, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("how", ["pickle", "zip", "legacy", "nested"])
def test_a_malicious_pickle_is_refused_and_not_run(how: str, tmp_path: Path) -> None:
    target, path = tmp_path / "made-by-the-pickle", tmp_path / "evil.pt"
    evil: Any = Evil(target)
    writers = {
        "pickle": dump(evil),
        "zip": save(evil, zipped=True),
        "legacy": save(evil, zipped=False),
        "nested": save({"state_dict": {**state(), "x": evil}}, zipped=True),
    }
    writers[how](path)
    with pytest.raises(RoadworthyError) as caught:
        load_weights(Plain(), path)
    assert not target.exists()
    message = str(caught.value)
    assert message.startswith(f"checkpoint '{path}' was refused: it holds pickled Python objects")
    assert "nothing in it was run" in message
    assert "torch.save(model.state_dict()" in message


def test_a_whole_saved_module_is_refused_by_name(tmp_path: Path) -> None:
    torch.save(Plain(), tmp_path / "r.pt")
    with pytest.raises(RoadworthyError, match=r"refused: .*\(tiny_networks\.Plain\)"):
        load_weights(Plain(), tmp_path / "r.pt")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "r.pt", "w") as archive:
        archive.writestr("r/constants.pkl", b"\x80\x02}q\x00.")
        archive.writestr("r/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("r/version", b"3\n")
        archive.writestr("r/code/__torch__.py", b"")
    with pytest.raises(RoadworthyError, match="TorchScript program"):
        load_weights(Plain(), tmp_path / "r.pt")


def test_an_archive_that_would_swell_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "r.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("r/data.pkl", b"\0" * 50_000_000)
    with pytest.raises(RoadworthyError, match="refused: it would unpack to 50000000 bytes"):
        load_weights(Plain(), tmp_path / "r.pt")


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "is empty (0 bytes); download or save it again"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "run `git lfs pull`"),
        (b"\x1f\x8b\x08\x00", "it is a gzip archive"),
        (b"just some text", "it begins with b'just some te'"),
        (b"PK\x03\x04 and then nothing", "damaged or cut off (21 bytes)"),
        (b"\x80\x02 not a pickle", "checkpoint"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{not json     }", "not a readable safetensors file"),
    ],
)
def test_files_that_are_no_checkpoint(content: bytes, fragment: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(RoadworthyError) as caught:
        load_weights(Plain(), path)
    assert str(path) in str(caught.value)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_any_cut_of_a_checkpoint_is_explained(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "r.pt"
    save(state(), zipped=zipped)(path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(RoadworthyError, match="checkpoint '"):
            load_weights(Plain(), path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"there is no checkpoint '.*; did you mean 'weights.pt'"):
        load_weights(Plain(), tmp_path / "weigths.pt")
    with pytest.raises(UsageError, match="is a folder; name the file"):
        load_weights(Plain(), tmp_path)


@pytest.mark.parametrize("what", [3, [1, 2], {"epoch": 3}, {"a": {"b": {}}}])
def test_a_checkpoint_without_tensors(what: Any, tmp_path: Path) -> None:
    torch.save(what, tmp_path / "r.pt")
    with pytest.raises(RoadworthyError, match="holds no tensors by name; expected a state dict"):
        load_weights(Plain(), tmp_path / "r.pt")


def test_nothing_is_read_from_nests_that_go_on_for_ever(tmp_path: Path) -> None:
    deep: dict[str, Any] = {"state_dict": state()}
    for _ in range(100):
        deep = {"model": deep}
    torch.save(deep, tmp_path / "r.pt")
    with pytest.raises(RoadworthyError, match="holds no tensors by name"):
        load_weights(Plain(), tmp_path / "r.pt")
