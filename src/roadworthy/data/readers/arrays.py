"""An .npz file with images (N, H, W, 3), uint8, and labels (N,)."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from roadworthy.data.base import Images, content_of, dataset
from roadworthy.data.classes import check_declared, index_labels
from roadworthy.data.files import existing
from roadworthy.data.npz import Member, check_size, load_member, members
from roadworthy.data.remember import content_digest
from roadworthy.errors import RoadworthyError, SampleError, UsageError, did_you_mean
from roadworthy.types import Dataset, Sample

_IMAGES = ("images", "x_test", "x", "X", "data", "image", "arr_0")
_LABELS = ("labels", "y_test", "y", "Y", "label", "targets", "arr_1")


@dataset
def arrays(
    path: str,
    *,
    images: str | None = None,
    labels: str | None = None,
    classes: int | None = None,
) -> Dataset:
    """Read uint8 images (N, H, W, 3), or (N, H, W) in grey, and labels (N,) from an .npz file.

    ``images`` and ``labels`` name the arrays where their names are not the usual ones. Nothing is
    unpickled. Samples are called ``file#row`` and are handed on as lossless PNG. Raises UsageError
    for another type or shape, saying how to convert.
    """
    spec = f"arrays:{path}"
    check_declared(classes, spec)
    where = existing(path, "arrays", folder=False)
    found = members(where, spec)
    pixels = _choose(found, images, _IMAGES, "images", spec)
    _check_pixels(pixels, spec)
    check_size(pixels, spec)
    texts = _label_texts(where, _choose(found, labels, _LABELS, "labels", spec), pixels, spec)
    numbers, meaning = index_labels(texts, where=lambda row: f"{spec}, row {row}", classes=classes)
    source = content_digest(where)
    samples = [
        Sample(f"{where.name}#{row}", label, content_of(f"{source}#{row}", label), row)
        for row, label in enumerate(numbers)
    ]
    return Images(spec, meaning, samples, _Pixels(os.fspath(where.resolve()), pixels.name))


@dataclass
class _Pixels:
    """Reads rows of one array, loaded when the first is asked for."""

    path: str
    name: str
    _loaded: list[NDArray[Any]] = field(default_factory=list, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def __call__(self, sample: Sample) -> bytes:
        from PIL import Image

        with self._lock:
            if not self._loaded:
                try:
                    self._loaded.append(load_member(self.path, self.name, self.path))
                except RoadworthyError as error:
                    raise SampleError(f"{sample.id}: {error}") from None
        pixels = self._loaded[0][sample.location]
        out = io.BytesIO()
        grey = pixels.ndim == 3 and pixels.shape[2] == 1
        Image.fromarray(pixels[:, :, 0] if grey else pixels).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def __getstate__(self) -> dict[str, Any]:  # a copy in another process loads for itself
        return {"path": self.path, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _choose(
    found: dict[str, Member], wanted: str | None, usual: Sequence[str], role: str, spec: str
) -> Member:
    names = [wanted] if wanted is not None else [name for name in usual if name in found]
    if names and names[0] in found:
        return found[names[0]]
    listed = ", ".join(f"{m.name} {m.dtype}{list(m.shape)}" for m in list(found.values())[:12])
    near = did_you_mean(wanted, found) if wanted is not None else ""
    raise UsageError(
        f"{spec}: no array '{wanted or role}'{near}; found {listed or 'no arrays'}; "
        f"name it: arrays:FILE({role}=NAME)"
    )


def _check_pixels(member: Member, spec: str) -> None:
    shape, what = member.shape, f"{spec}: the array '{member.name}' is "
    wanted = "expected uint8 (N, H, W, 3) or (N, H, W)"
    if member.dtype != "uint8":
        floating = member.dtype.startswith("float")
        how = f"{member.name} * 255" if floating else member.name
        note = " if it lies in [0, 1]" if floating else ""
        raise UsageError(
            f"{what}{member.dtype}; {wanted}; "
            f"convert it with np.clip(np.round({how}), 0, 255).astype(np.uint8){note}"
        )
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise UsageError(
            f"{what}{shape}, channels first; {wanted}; "
            f"convert it with {member.name}.transpose(0, 2, 3, 1)"
        )
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or 0 in shape:
        raise UsageError(f"{what}{shape}; {wanted}, none of them 0")


def _label_texts(path: Any, member: Member, pixels: Member, spec: str) -> list[str]:
    what, shape = f"{spec}: the array '{member.name}' is {member.dtype}", member.shape
    count = pixels.shape[0]
    if len(shape) == 2 and shape[0] == count and shape[1] > 1:
        raise UsageError(
            f"{what} {shape}, as if one-hot; expected one class index an image; "
            f"convert it with {member.name}.argmax(axis=1)"
        )
    if shape not in ((count,), (count, 1)):
        raise UsageError(f"{what} {shape}; expected {(count,)}, one label for each image")
    if not member.dtype.startswith(("int", "uint", "<U", ">U", "|S")):
        raise UsageError(f"{what}; expected integers or text; convert it with .astype(np.int64)")
    values = load_member(path, member.name, spec).ravel()
    if member.dtype.startswith("|S"):
        return [value.decode("utf-8", "backslashreplace") for value in values.tolist()]
    return [str(value) for value in values.tolist()]
