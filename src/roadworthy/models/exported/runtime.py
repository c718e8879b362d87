"""ONNX files, which ONNX Runtime computes; they give no gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.engine.options import cores
from roadworthy.errors import MissingPackageError, RoadworthyError
from roadworthy.models.base import Network
from roadworthy.models.exported.files import program_file
from roadworthy.models.exported.frames import pipeline_for
from roadworthy.models.exported.pieces import Sealed, at_a_time
from roadworthy.models.user_code import last_words
from roadworthy.types import Need

GIVES = frozenset({Need.LOGITS, Need.PROBABILITIES, Need.LABELS})

TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
}
"""Types of inputs that are understood; bytes are 255 times what a float input would get."""


class Runtime:
    """A session as a function of a batch (N, 3, H, W); ``last`` is whether channels come last."""

    def __init__(self, session: Any, *, output: str, dtype: np.dtype[Any], last: bool) -> None:
        self.session, self.output, self.dtype, self.last = session, output, dtype, last

    def __deepcopy__(self, memo: Any) -> Runtime:
        """A session cannot be copied and does not change: a copy is the same one."""
        return self

    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits of ``x``."""
        array = x.detach().cpu().float().numpy()
        array = array.transpose(0, 2, 3, 1) if self.last else array
        if self.dtype == np.uint8:
            array = np.rint(np.clip(array, 0, 1) * 255)
        given = {self.session.get_inputs()[0].name: np.ascontiguousarray(array.astype(self.dtype))}
        found = self.session.run([self.output], given)[0]
        return torch.from_numpy(np.array(found, np.float32)).to(x.device)


def runtime(path: str) -> Network:
    """Return the network in an ONNX file; the provider `onnx` documents it."""
    file, content = program_file(path, kind="onnx", example="FILE.onnx")
    session = _session(str(file))
    inputs = session.get_inputs()
    shape = tuple(inputs[0].shape) if inputs else ()
    if len(inputs) != 1 or len(shape) != 4 or inputs[0].type not in TYPES:
        listed = ", ".join(f"{i.name}: {i.type} {i.shape}" for i in inputs)
        raise RoadworthyError(
            f"'{file}' takes {listed or 'nothing'}; expected one batch of images, float or uint8, "
            "(N, 3, H, W) or (N, H, W, 3)"
        )
    last = shape[3] == 3 and shape[1] != 3
    output, *others = [o.name for o in session.get_outputs()]
    call = Runtime(session, output=output, dtype=TYPES[inputs[0].type], last=last)
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
    notes = [at_a_time(file.name, batch)] if batch else []
    notes += [f"{file.name}: the first output, {output}, is taken for the logits"] if others else []
    return Network(
        name=f"onnx/{file.stem}",
        module=Sealed(call, name=file.name, batch=batch),
        pipeline=pipeline_for(*(shape[1:3] if last else shape[2:4])),
        source=content,
        sealed=True,
        gives=GIVES,
        notes=tuple(notes),
    )


def _session(path: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingPackageError(
            f"model 'onnx:{path}' needs onnxruntime: pip install 'roadworthy[onnx]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = cores()
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has an error type for each stage of loading
        raise RoadworthyError(
            f"'{path}' is no ONNX model that onnxruntime {onnxruntime.__version__} can run: "
            f"{last_words(error)[:300]}"
        ) from None
