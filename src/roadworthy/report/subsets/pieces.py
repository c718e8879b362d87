"""The part of a picture that a model was shown, made again from the picture, its record and its order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.report.cells import entries, key_of, text_of
from roadworthy.report.rebuild import FAULTS, pipeline_of, seed_of
from roadworthy.report.view import View
from roadworthy.types import Image

if TYPE_CHECKING:
    from torch import Tensor

    from roadworthy.spec import Spec
    from roadworthy.stress.ranking import Cut

Flags = NDArray[np.bool_]

GREY = (128, 128, 128)
"""What stands for removed pixels where it is not known what did."""


@dataclass(frozen=True)
class Piece:
    """A picture, uint8 (H, W, 3), what is ``kept`` of it, (H, W), and that with what covers the rest.

    Any of them is None where it cannot be made, and ``why`` says so; ``why`` also says where a cover
    is not the one that the model saw.
    """

    whole: Image | None = None
    kept: Flags | None = None
    shown: Image | None = None
    why: str = ""


def piece_of(view: View, row: Mapping[str, Any]) -> Piece:
    """Return what a record of subsets was about; never raises for what is gone.

    Of random subsets it is the one that the record names as ``frame``, or the first that was drawn.
    """
    data = view.image(key_of(row, "data"), key_of(row, "sample"))
    if data is None:
        return Piece(why="the image is no longer where it was")
    whole = None
    try:
        from roadworthy.pipeline.base import run

        whole = run(data, pipeline_of(text_of(row, "pipeline")), name=key_of(row, "sample"))
        cut = cut_of(view, row)
        if cut is None:
            return Piece(whole, why="the order of its pixels is no longer kept")
        kept = _on_frame(cut.kept[-1, 0] if cut.kept.ndim == 4 else cut.kept[0], whole)
        return _covered(view, row, Piece(whole, kept), cut.mask)
    except FAULTS as error:
        return Piece(whole, why=f"cannot be made again: {error}")


def cut_of(view: View, row: Mapping[str, Any]) -> Cut | None:
    """Return what a record shows of the one image; None where its order is not kept.

    Raises LookupError for what no order tells, such as what a deletion pass left.
    """
    from roadworthy.stress._subsets.again import cut_again

    made = view.ranked(row)
    return None if made is None else cut_again(made, row, seed=seed_of(view, row))


def _on_frame(kept: Flags, whole: Image) -> Flags:
    """Return units of a grid as pixels of the picture."""
    height, width = whole.shape[:2]
    rows = np.arange(height) * kept.shape[0] // height
    columns = np.arange(width) * kept.shape[1] // width
    found: Flags = kept[rows][:, columns]
    return found


def _covered(view: View, row: Mapping[str, Any], piece: Piece, mask: Spec | None) -> Piece:
    """Return a piece with what covers the rest; white on black where nothing but the mask is shown."""
    whole, kept = piece.whole, piece.kept
    assert whole is not None
    assert kept is not None
    if mask is None:
        return replace(piece, shown=np.repeat(np.uint8(255) * kept[..., None], 3, axis=2))
    cover, why = _cover(view, row, piece, mask)
    return replace(piece, shown=np.where(kept[..., None], whole, cover), why=why)


def _cover(
    view: View, row: Mapping[str, Any], piece: Piece, mask: Spec
) -> tuple[NDArray[np.uint8], str]:
    import torch

    from roadworthy.stress import masks
    from roadworthy.stress.masks._picture import picture
    from roadworthy.stress.masks.base import MaskContext

    whole, kept = piece.whole, piece.kept
    assert whole is not None
    assert kept is not None
    mean, grey = mean_in(view, row), np.array(GREY, np.uint8)
    found = masks.one(mask)
    if found.definition.drops:
        return grey, "what is grey was not shown at all"
    if "context" in found.definition.takes and found.definition.name != "mean":
        return grey, f"grey stands for what the mask {mask} shows, which is not made again here"
    if found.definition.name == "mean" and mean is None:
        return grey, "grey stands for the mean colour of the model, which is not known"
    context = MaskContext(torch.tensor(mean or (0.0, 0.0, 0.0)), _unknown)
    name, seed = key_of(row, "sample"), seed_of(view, row)
    return picture(found, whole, kept, context, sample=name, seed=seed), ""


def _unknown() -> Tensor:
    raise LookupError("which other image was shown is not kept")


def mean_in(view: View, row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the colour in [0, 1] that the normalisation of the model behind a record makes 0."""
    run = view.summary.get("run")
    for model in entries(run, "models"):
        mean = model.get("mean")
        if model.get("spec") == (row.get("source") or row.get("model")) and isinstance(mean, list):
            return tuple(float(value) for value in mean)
    return None
