"""Which axis is which in what a pipeline returns, and whether it is a picture at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.preflight.observe import Answers

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Layout:
    """The form of the answers: ``axes`` is HWC or CHW, ``batch`` whether an axis of 1 comes first."""

    axes: str
    batch: bool
    dtype: str

    def __str__(self) -> str:
        return f"{'N' * self.batch}{self.axes} {self.dtype}"

    def picture(self, array: NDArray[Any]) -> Floats | None:
        """Return an answer as (H, W, 3) of float32, or None where it has another form."""
        if array.ndim == 4 and array.shape[0] == 1:
            array = array[0]
        if array.ndim != 3 or array.shape[self.axes.index("C")] != 3:
            return None
        picture = array.transpose(1, 2, 0) if self.axes == "CHW" else array
        return picture.astype(np.float32)


def layout_of(answers: Answers) -> Layout | str:
    """Return the form that most answers have; or, where that is no picture, what it is instead."""
    shapes = [_plain(a) for a in answers.arrays.values()]
    counts = Counter(_axes(shape) for shape in shapes)
    axes = counts.most_common(1)[0][0]
    shape = next(
        a.shape for a, s in zip(answers.arrays.values(), shapes, strict=True) if _axes(s) == axes
    )
    if axes not in ("HWC", "CHW"):
        return f"answers have the shape {shape}, {axes}; expected (H, W, 3) or (3, H, W), batched or not"
    return Layout(axes, len(shape) == 4, _dtype(answers))


def _dtype(answers: Answers) -> str:
    """Return the type of the numbers: bfloat16, which NumPy lacks, by the bits that it leaves empty."""
    name = str(answers.most(lambda a: a.dtype))
    arrays = [a for a in answers.arrays.values() if a.dtype == np.float32]
    if name != "float32" or any(
        (np.ascontiguousarray(a).view(np.uint32) & 0xFFFF).any() for a in arrays
    ):
        return name
    whole = all((a == np.rint(a)).all() for a in arrays)
    return name if whole else "bfloat16"


def _plain(array: NDArray[Any]) -> tuple[int, ...]:
    return array.shape[1:] if array.ndim == 4 and array.shape[0] == 1 else array.shape


def _axes(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "a batch of several pictures"
    if len(shape) == 2 or (len(shape) == 3 and 1 in (shape[0], shape[2])):
        return "one channel"
    if len(shape) != 3:
        return "no picture"
    if shape[0] == 3 and shape[2] != 3:
        return "CHW"
    if shape[2] == 3:
        return "HWC"
    if 4 in (shape[0], shape[2]):
        return "four channels"
    return "channels in the middle" if shape[1] == 3 else "no three channels"
