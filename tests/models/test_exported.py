"""Exported programs answer as the network that they were exported from; what is none is refused."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roadworthy.errors import InapplicableError, RoadworthyError, UsageError
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.load import load
from roadworthy.models.precision import cast, in_precision
from roadworthy.types import Need

SIZE = 16


class Small(nn.Module):
    """Means of a convolution, then a line; ``view`` as one image fixes the batch when it is traced."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.filter = nn.Parameter(torch.randn(4, 3, 3, 3, generator=generator))
        self.line = nn.Parameter(torch.randn(5, 4, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.filter).relu().mean((2, 3)) @ self.line.T


class OneByOne(Small):
    """The same, for one image at a time."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(1, 3, SIZE, SIZE))


def traced(path: Path, network: nn.Module) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace: Any = torch.jit.trace
        trace(network.eval(), torch.zeros(1, 3, SIZE, SIZE)).save(str(path))
    return f"torchscript:{path}"


def exported(path: Path, network: nn.Module, *, batch: int | None = None) -> str:
    free = None if batch else ({0: torch.export.Dim("batch")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.zeros(batch or 2, 3, SIZE, SIZE),)
        torch.export.save(torch.export.export(network.eval(), example, dynamic_shapes=free), path)
    return f"torch_export:{path}"


def onnx_file(path: Path, network: Small, *, last: bool = False, kind: str = "FLOAT") -> str:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    shape = ["N", SIZE, SIZE, 3] if last else ["N", 3, SIZE, SIZE]
    given = helper.make_tensor_value_info("x", getattr(TensorProto, kind), shape)
    weights = [
        numpy_helper.from_array(network.filter.detach().numpy(), "filter"),
        numpy_helper.from_array(network.line.detach().numpy(), "line"),
        numpy_helper.from_array(np.float32(255), "byte"),
    ]
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT)]
    scaled = ["f", "byte"] if kind == "UINT8" else ["f", "f"]
    nodes += [helper.make_node("Div", scaled, ["s"])] if kind == "UINT8" else []
    name = "s" if kind == "UINT8" else "f"
    nodes += [helper.make_node("Transpose", [name], ["t"], perm=[0, 3, 1, 2])] if last else []
    nodes += [
        helper.make_node("Conv", ["t" if last else name, "filter"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["v"]),
        helper.make_node("Gemm", ["v", "line"], ["y"], transB=1),
    ]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])
    graph = helper.make_graph(nodes, "small", [given], [out], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return f"onnx:{path}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


WRITERS: dict[str, Callable[[Path], str]] = {
    "torchscript": lambda f: traced(f / "a.pt", Small()),
    "torchscript, one by one": lambda f: traced(f / "b.pt", OneByOne()),
    "torch_export": lambda f: exported(f / "c.pt2", Small()),
    "torch_export, two by two": lambda f: exported(f / "d.pt2", Small(), batch=2),
    "onnx": lambda f: onnx_file(f / "e.onnx", Small()),
    "onnx, channels last": lambda f: onnx_file(f / "f.onnx", Small(), last=True),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_program_answers_as_its_network(kind: str, folder: Path) -> None:
    spec = WRITERS[kind](folder)
    model = load(f"{spec}(size={SIZE}, mean=half, std=half)")
    x = torch.rand(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        found, wanted = model.logits(x), Small()((x - 0.5) / 0.5)
    assert model.classes.count == 5
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert (Need.GRADIENT in model.gives) == (not kind.startswith("onnx"))


def test_an_input_of_bytes_gets_bytes(folder: Path) -> None:
    model = load(onnx_file(folder / "bytes.onnx", Small(), last=True, kind="UINT8"))
    levels = torch.randint(0, 256, (3, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        found, wanted = model.logits(levels / 255), Small()(levels / 255)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_fixed_frames_are_known_and_resized_to(folder: Path) -> None:
    assert load(WRITERS["torch_export"](folder)).pipeline.size == (SIZE, SIZE)
    assert load(WRITERS["onnx, channels last"](folder)).pipeline.size == (SIZE, SIZE)
    assert load(WRITERS["torchscript"](folder)).pipeline.size is None


def test_programs_of_torch_give_the_gradient_of_their_network(folder: Path) -> None:
    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits, labels, reduction="none")

    x, labels = torch.rand(2, 3, SIZE, SIZE), torch.tensor([0, 3])
    leaf = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(loss(Small()(leaf), labels).sum(), leaf)
    for kind in ("torchscript", "torch_export"):
        _, _, gradient = value_and_gradient(load(WRITERS[kind](folder)), loss, x, labels)
        torch.testing.assert_close(gradient, wanted)


def test_other_weights_are_another_model(folder: Path) -> None:
    other = Small()
    with torch.no_grad():
        other.line[0, 0] += 1e-3
    one, two = (onnx_file(folder / f"{i}.onnx", n) for i, n in enumerate((Small(), other)))
    assert load(one).id.partition("@")[2] != load(two).id.partition("@")[2]


def test_its_formats_are_its_own(folder: Path) -> None:
    model = load(WRITERS["torchscript"](folder))
    with pytest.raises(InapplicableError, match="exported program"):
        in_precision(model, "bf16")
    with pytest.raises(InapplicableError, match="exported program"):
        cast(model, "bf16")
    assert in_precision(model, "fp32").id == model.id


def test_pickles_in_an_exported_program_are_refused(folder: Path) -> None:
    exported(folder / "good.pt2", Small())
    with zipfile.ZipFile(folder / "good.pt2") as archive:
        files = {n: archive.read(n) for n in archive.namelist()}
    name = next(n for n in files if n.endswith("model_weights_config.json"))
    config = json.loads(files[name])
    next(iter(config["config"].values()))["use_pickle"] = True
    with zipfile.ZipFile(folder / "bad.pt2", "w") as archive:
        for n, data in {**files, name: json.dumps(config).encode()}.items():
            archive.writestr(n, data)
    with pytest.raises(RoadworthyError, match="could run code"):
        load(f"torch_export:{folder}/bad.pt2")


@pytest.mark.parametrize("kind", ["torchscript", "torch_export", "onnx"])
def test_what_is_no_program_is_said(kind: str, folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    (folder / "text.bin").write_text("no program")
    with pytest.raises(RoadworthyError, match=r"text\.bin"):
        load(f"{kind}:{folder}/text.bin")
    with pytest.raises(UsageError, match=r"did you mean 'text\.bin'"):
        load(f"{kind}:{folder}/text.bi")
    with pytest.raises(UsageError, match="is a folder"):
        load(f"{kind}:{folder}")


def test_torchscript_in_the_wrong_place_is_sent_to_the_right_one(folder: Path) -> None:
    traced(folder / "a.pt", Small())
    with pytest.raises(RoadworthyError, match=r"torchscript:.*a\.pt"):
        load(f"torch_export:{folder}/a.pt")
